export type { Clock } from './ports/clock.ts';
export { CodedError, StdError, stdErrorCodes } from './errors.ts';
export type { ErrorCodeEntry, ErrorCodeTable, ErrorContext, ErrorDetails, Retry, StdErrorCode } from './errors.ts';
