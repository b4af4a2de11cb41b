/** Exit codes of the command: documented in docs/user/command.md, the same for ever. */
export const exitCodes = {
  ok: 0,
  /** A defect of ours or a failure that we have no word for. */
  unexpected: 1,
  /** The command line does not make sense. */
  usage: 2,
  /** The work was done, but some entries could not be read or restored; they are listed. */
  withErrors: 3,
  /** `check` found something damaged or missing. */
  damaged: 4,
  /** Wrong password or recovery kit. */
  password: 5,
  /** The vault is missing, or the directory belongs to something else. */
  vault: 6,
  /** Written by a newer Twinvault. */
  newer: 7,
  /** Disk full or quota reached. */
  full: 8,
  /** Missing permission, or a read-only place. */
  denied: 9,
  /** Somebody else is at work on the same job or safe. */
  busy: 10,
  /** No such safe, safeset, job or path. */
  missing: 11,
  /** What the vault shows does not fit what was seen before or who signed it. */
  trust: 12,
  /** This computer holds no key for the safe, or what is kept beside it cannot be read. */
  notEnrolled: 13,
  /** The site of the vault cannot be reached over the network. */
  unreachable: 14,
  /** Broken off by a signal; what was sent is kept. */
  interrupted: 130,
} as const;

export type ExitName = keyof typeof exitCodes;
