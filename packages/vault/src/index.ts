export { createDirectoryVault, DirectoryVault, openDirectoryVault } from './directory-vault.ts';
export type { DirectoryVaultOptions } from './directory-vault.ts';
export { DirectorySafe } from './directory-safe.ts';
export type { VaultPorts } from './context.ts';
export type { ProcessWatch } from './leases/lease.ts';
