export { ProtocolError, protocolErrorCodes } from './errors.ts';
export type { ProtocolErrorCode } from './errors.ts';
export type {
  CommitReply,
  LivePack,
  NewSafe,
  RecordFilter,
  RecordSummary,
  SafeSummary,
  SessionRequest,
  SiteInfo,
  Vault,
  VaultReading,
  VaultSafe,
  VaultSession,
} from './vault-port.ts';
