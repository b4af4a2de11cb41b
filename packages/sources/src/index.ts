export { SourceReadError, SourcesError, sourcesErrorCodes, TargetWriteError } from './errors.ts';
export type { FailedCall, SourcesErrorCode } from './errors.ts';
export { linuxFileReader, linuxFileSource } from './linux/file-source.ts';
export type { LinuxFileSourceOptions } from './linux/file-source.ts';
export { pseudoFileSystems } from './linux/file-systems.ts';
export { linuxTarget } from './linux/target.ts';
export { parseGlob } from './rules/glob.ts';
export type { Glob } from './rules/glob.ts';
