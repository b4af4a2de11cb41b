/**
 * A sentence, advice and an exit code for each error code that can reach the command. `{name}` is filled from the error's context.
 * A test holds this list against the codes of all packages.
 */
import type { ExitName } from './exit-codes.ts';

export interface Sentence {
  readonly sentence: string;
  /** What to do; null when the sentence says it. */
  readonly advice: string | null;
  readonly exit: ExitName;
}

const checkVault =
  'Run twinvault check --read-data on the vault: it says what is damaged. Safesets that do not need it restore as before.';
const askOperator =
  "Do not go on before it is clear why: the vault may have been set back or tampered with. Compare with the operator of the vault, and keep this computer's state.";
const newer = 'Install the version that wrote it, or a newer one. Nothing was changed.';
const again = 'Try again; what was sent is kept.';

function all(exit: ExitName, advice: string | null, sentences: Readonly<Record<string, string>>): Record<string, Sentence> {
  return Object.fromEntries(Object.entries(sentences).map(([code, sentence]) => [code, { sentence, advice, exit }]));
}

export const sentences: Readonly<Record<string, Sentence>> = {
  ...all(
    'password',
    'Nothing was changed. Check the keyboard layout and capital letters, or open the safe with the recovery kit: --kit-file.',
    {
      'password-wrong': 'The password does not open this safe.',
    },
  ),
  ...all('password', 'Look for the newest kit of this safe: making a new kit ends the older ones.', {
    'kit-other-safe': 'This recovery kit belongs to another safe.',
    'kit-wrong': 'This recovery kit does not open this safe.',
  }),
  ...all(
    'password',
    'Compare what you typed with the printed kit: the code by its characters, or the words by their numbers, down the columns.',
    {
      'kit-damaged': 'The code or the words of the recovery kit are incomplete or mistyped.',
    },
  ),
  ...all('password', 'Compare its short form with that of the safe: twinvault safe slots. Nothing was changed.', {
    'escrow-wrong': 'This escrow key does not open this safe.',
  }),
  ...all('password', 'Take the file that twinvault escrow wrote, or its line that begins with "Key:".', {
    'escrow-damaged': 'The text of the escrow key is incomplete or mistyped.',
  }),
  ...all('password', null, {
    'slot-missing': 'This safe has no key slot for this kind of secret.',
  }),
  ...all('usage', 'Take at least 14 characters; four or five random words are easy to remember and hard to guess.', {
    'password-too-short': 'The password is too short.',
  }),
  ...all('usage', null, {
    'password-too-long': 'The password is too long.',
    'root-invalid': 'This path cannot be protected: {localPath}',
    'strip-mismatch': 'The path {localPath} does not lie below the one that --strip leaves out.',
    'target-invalid': 'The folder to restore into is not a folder: {localPath}',
    'token-invalid': 'The enrolment token is incomplete or mistyped.',
    'site-twice': 'Both places that --vault names are the same site: name the two sites, or one of them alone.',
  }),

  ...all('vault', 'Check the path. A new vault is made by twinvault init.', {
    'vault-missing': 'There is no vault at {localPath}',
  }),
  ...all(
    'unreachable',
    'Check the address and the line, and whether a proxy is needed (HTTPS_PROXY). What was sent is kept; the next run goes on from there.',
    {
      'network-unreachable': 'The vault cannot be reached: {systemCode}',
      'network-timeout': 'The vault did not answer in time.',
    },
  ),
  ...all(
    'vault',
    'Check the address: it has to be the one in the token file. If a proxy is in between, it may have answered instead.',
    {
      'network-answer-too-large': 'What answers at this address sends more than a vault would.',
      'answer-invalid': 'What answers at this address does not speak the protocol of a Twinvault site.',
      'route-unknown': 'The site does not know this request: its version may be an older one.',
    },
  ),
  ...all('vault', 'One of the two programs is faulty or changed on its way: please report it.', {
    'frames-invalid': 'The site and this computer do not understand each other.',
    'request-invalid': 'The site does not understand this computer.',
    'request-too-large': 'The site takes nothing of this size.',
    'task-abandoned': 'A task ended the site each time that it was run, so the site runs it no more.',
    'task-failed': 'A task of the site failed by a mistake of the program; the log of the site says more.',
    'task-unknown': 'The site does not know this task any more.',
  }),
  ...all('usage', 'Take the file as twinvault vault token wrote it.', {
    'token-file-invalid': 'This is no token file, or it is damaged: {localPath}',
  }),
  ...all(
    'usage',
    'Take the file as twinvault vault operator-key wrote it: the private one to sign, the public one to hand over.',
    {
      'operator-key-invalid': 'This is no such key of an operator, or it is damaged: {localPath}',
    },
  ),
  ...all('usage', 'Take the file as twinvault vault promote --propose or twinvault vault erase --propose wrote it.', {
    'proposal-invalid': 'This is no proposal of an operator, or it is damaged: {localPath}',
  }),
  ...all('usage', 'Let the first operator make a new proposal. Nothing was changed.', {
    'proposal-stale': 'The ledger of safe {safe} went on since the proposal was signed.',
  }),
  ...all('trust', 'twinvault safe operator shows who is one; whoever opened the safe adds one with --add. Nothing was changed.', {
    'operator-unknown': 'This key is not one of an operator of the safe, or the proposal was not signed for it.',
    'operator-alone': 'The safe has no second operator, and it takes two.',
  }),
  ...all(
    'vault',
    'Look at the clocks of the site. When they are right, say so once: twinvault clean … --clock-ok. Nothing was removed.',
    { 'clock-jumped': 'A clock of the site went {direction} since the last clean-up.' },
  ),
  ...all('vault', 'Name an empty directory, or one that is a vault. Nothing was changed.', {
    'vault-foreign': 'The directory {localPath} holds other files and is not a vault.',
  }),
  ...all('vault', 'Check the disk or the network share, then try again.', {
    'vault-failed': 'The operating system reports a failure in the directory of the vault: {reason}',
  }),
  ...all('vault', 'Try again in a minute. Nothing that was stored is lost.', {
    'database-away': 'The site cannot reach its own database.',
    'store-away': 'The site cannot reach its own store.',
  }),
  ...all('vault', 'docs/operating/stores.md says what a store must do. Nothing was started.', {
    'store-unfit': 'The store lacks something without which data would be lost: {lacks}',
  }),
  ...all('usage', 'docs/operating/configuration.md says what the file holds. Nothing was started.', {
    'config-invalid': 'The configuration {localPath} cannot be used: {key} {defect}.',
  }),
  ...all('missing', 'Give its path with --config; docs/operating/configuration.md shows one to begin with.', {
    'config-missing': 'There is no configuration file at {localPath}',
  }),
  ...all('denied', 'Take the permission from the others: chmod 600, or 640 for a group of the service. Nothing was started.', {
    'secret-exposed': 'Other users may read or write the secret in {localPath}',
  }),
  ...all('missing', 'Put it there, readable by the user of the service alone. Nothing was started.', {
    'secret-missing': 'The configuration names a secret that is not there: {localPath}',
  }),
  ...all(
    'usage',
    'Check that chain and key belong together and that the certificate names the address of the site. Nothing was started.',
    {
      'certificate-unusable': 'The certificate {localPath} cannot be used: {defect}.',
    },
  ),
  ...all(
    'vault',
    'docs/operating/configuration.md says what an authority needs to find. The site goes on with the certificate that it has.',
    {
      'acme-failed': 'The authority issued no certificate: {detail}',
    },
  ),
  ...all('vault', 'The lines above say why; twinvault vault run with this file shows more.', {
    'site-silent': 'The site of {localPath} does not answer.',
  }),
  ...all('busy', 'See what listens there (ss -tlnp), or take another port in the configuration.', {
    'listen-failed': 'The site cannot listen at {host}, port {port} {localPath}: {reason}',
  }),
  ...all('newer', newer, {
    'state-newer': 'What this computer keeps of the safe was written by a newer version of Twinvault.',
    'vault-newer': 'This vault was written by a newer version of Twinvault.',
    'version-unknown': 'An object of the vault was written by a newer version of Twinvault.',
    'feature-unknown': 'This safe uses a feature that this version of Twinvault does not know.',
    'suite-unknown': 'This safe uses a cipher suite that this version of Twinvault does not know.',
  }),
  ...all('full', 'Free some space, or let twinvault clean remove old safesets. Stored safesets are not affected.', {
    'vault-full': 'The file system of the vault is full.',
  }),
  ...all('full', 'Ask whoever runs the site for more room. Restoring goes on as before; what was sent is kept.', {
    'quota-reached': 'The site takes no new data above the limit that its operator set.',
  }),
  ...all('full', 'Free some space and run it again.', {
    'file-disk-full': 'The disk is full: {localPath}',
    'target-full': 'The file system to restore into is full.',
  }),
  ...all('denied', 'Run it as a user who may, or change the permissions.', {
    'vault-denied': 'The directory of the vault may not be used: {localPath}',
    'file-denied': 'Access was denied: {localPath}',
    'root-denied': 'This path may not be read: {localPath}',
    'target-denied': 'The folder to restore into may not be opened or made: {localPath}',
  }),
  ...all('denied', 'Ask whoever runs the site for a new token file: twinvault vault token makes one there.', {
    'capability-ended': 'The token for this site has ended.',
    'capability-invalid': 'The site does not accept this token: {defect}',
  }),
  ...all(
    'denied',
    'Set the clock that is wrong. Nothing else has to be done: the token is good, and what was left undone goes on by itself.',
    {
      'clocks-apart': 'The clocks of this computer and of the site differ by {difference}.',
    },
  ),
  ...all('denied', 'Ask whoever runs the site for a token that permits it; what destroys needs one for operators.', {
    'verb-denied': 'The token does not permit this; it would have to permit: {verb}',
  }),
  ...all(
    'trust',
    'Do not go on before it is clear whose certificate that is. If the site has a new one, take a new token file from whoever runs it.',
    {
      'network-untrusted': 'The certificate at this address is not the one that is trusted for the vault: {systemCode}',
    },
  ),
  ...all('denied', 'Write user and password into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT, or name the vault in NO_PROXY.', {
    'network-proxy-refused': 'The proxy does not let the connection through: {status}',
  }),
  ...all('denied', 'Mount it so that it can be written.', {
    'vault-read-only': 'The file system of the vault can only be read.',
    'file-read-only': 'The file system can only be read: {localPath}',
    'target-read-only': 'The file system to restore into can only be read.',
  }),
  ...all(
    'denied',
    'Run it as root. In a container, or where fusermount3 has lost its setuid bit, users cannot mount at all: restore brings files back without it.',
    {
      'mount-denied': 'This user may not mount at {localPath}: {reason}',
    },
  ),
  ...all(
    'denied',
    'An administrator opens it: chmod 666 /dev/fuse (fuse3 of most systems does so by itself). Or run it as root, or restore what you need.',
    {
      'mount-device-closed': 'Users may not open /dev/fuse on this system, so they cannot mount.',
    },
  ),
  ...all('denied', 'An administrator installs it (apt install fuse3), or run it as root. restore brings files back without it.', {
    'mount-helper-missing': 'Users who are not root mount by fusermount3, and that is not installed.',
  }),
  ...all('denied', 'Leave out --allow-others, or have an administrator write the line user_allow_other into /etc/fuse.conf.', {
    'mount-others-denied': 'This system does not let users show others what they mount.',
  }),
  ...all('denied', 'Name an empty folder of your own.', {
    'mount-folder-denied': 'This user may not write to {localPath}, so nothing can be mounted there.',
  }),
  ...all('denied', 'Unmount others first, or have an administrator raise mount_max in /etc/fuse.conf.', {
    'mount-too-many': 'No more folders can be mounted by users of this system.',
  }),
  ...all('usage', null, {
    'mount-failed': 'It could not be mounted at {localPath}: {reason}',
    'mount-unsupported': 'This system has no FUSE: {reason}',
  }),
  ...all('busy', 'Wait for it to end. If it was broken off, its claim lapses by itself after five minutes.', {
    'job-busy': 'Another run of this job is under way, here or on a computer with a copy of this identity.',
    'vault-busy': 'Another process is at work on this part of the vault.',
    'state-busy': 'Another run of this job is under way on this computer.',
    'database-busy': "Another process uses this computer's local state.",
  }),
  ...all('busy', again, {
    'lease-lost': 'The claim on this job was lost, since it was not renewed in time or the vault was rebuilt.',
    'base-unknown': 'The vault does not have the earlier safeset any more that this one was told by.',
    'head-moved': 'Another run of this job has ended in the meantime.',
    'ledger-conflict': 'The ledger of the safe was changed at the same time.',
    'origin-missing': 'The vault lacks data that this run counted on.',
    'plan-unknown': 'The vault does not have the plan by which this pack was made of others.',
    'request-slow': 'The line is too slow: the site stopped waiting.',
  }),
  ...all('usage', 'Give --new-safe a name that is free. Nothing was changed.', {
    'rekey-mismatch': 'The new safe holds safesets that are no copies of those of the old one.',
  }),
  ...all(
    'missing',
    'Run twinvault backup first, or name another job with --job. With the password, twinvault check compares all safesets.',
    {
      'cache-missing': 'This computer does not know a last safeset of this job, so there is nothing to compare with.',
    },
  ),
  ...all(
    'missing',
    'The next twinvault backup makes it anew, and then it can be compared. twinvault check with the password needs no local state.',
    {
      'cache-outdated':
        'What this computer keeps of its last safeset of this job was written by another version of Twinvault, or is damaged.',
    },
  ),
  ...all('missing', null, {
    'path-unknown': 'The safeset holds no {localPath}',
    'root-missing': 'There is nothing at {localPath}',
    'file-missing': 'There is nothing at {localPath}',
    'file-exists': 'Something stands already at {localPath}',
    'safe-unknown': 'The vault holds no such safe.',
    'record-unknown': 'The vault holds no such safeset any more.',
    'object-unknown': 'The vault holds no such object.',
    erased: 'This was erased by order, and is not taken again.',
    'safe-exists': 'The vault holds this safe already.',
    'label-taken': 'Another safe of this vault has this name.',
  }),
  ...all(
    'vault',
    'Give the token file of the home site, or of both: --token-file A,B. If home is lost for good, twinvault vault promote makes the other one home.',
    {
      'not-home': 'This change is for the home of the safe to take: site {home}.',
    },
  ),
  ...all(
    'notEnrolled',
    'Enrol it once: twinvault safe enrol. Without its own keys a computer protects nothing, and nothing is ever stored unsealed.',
    {
      'agent-missing': 'This computer holds no keys of the safe.',
      'certificate-unknown': 'The safe does not know the certificate of this computer.',
    },
  ),
  ...all('notEnrolled', 'Enrol it there once, with the new password or kit: twinvault safe enrol --safe {safe}.', {
    'not-admitted':
      'This safe was given new keys: another one ({safe}) took its place, and its owner did not admit this computer.',
    'admission-invalid': 'The safe that took the place of this one has no keys that this computer can open.',
  }),
  ...all(
    'missing',
    'Name that safe: --safe NAME, with --vault where it lies elsewhere. At a site this computer needs a token for it: --token-file FILE.',
    {
      'successor-missing':
        'This safe was given new keys: another one ({safe}) took its place, and it is not in this vault, or the token for this site is not for it.',
    },
  ),
  ...all(
    'busy',
    'Let twinvault safe rekey end, or give the same command again if it was broken off. Until then name the old safe.',
    {
      'succession-unfinished': 'This safe is to take the place of another one, but not all of that is copied yet.',
    },
  ),
  ...all('missing', 'Run it again: the next run goes on there.', {
    'safe-succeeded': 'This safe was given new keys in this moment: another one took its place.',
  }),
  ...all('notEnrolled', 'Enrol it anew if that was a mistake: twinvault safe enrol.', {
    'agent-revoked': 'This computer may not write into the safe any more: its certificate was revoked.',
    'certificate-revoked': 'The certificate that signed this was revoked.',
  }),
  ...all('notEnrolled', 'Move the file away and enrol this computer anew: twinvault safe enrol.', {
    'agent-foreign': 'The key file of this computer belongs to another safe.',
    'agent-keys-invalid': 'The key file of this computer is damaged, or was written by a newer version.',
    'state-damaged': 'A file of the local state is damaged: {localPath}',
  }),

  ...all(
    'missing',
    'Wait until whoever runs the site has taken the disk in: the next run then sends only what changed. If the disk is lost, twinvault seed forget lets the job begin anew over the network.',
    {
      'seed-awaited':
        "This job's first backup lies on seed disk {disk}, begun on {begun}, and the vault has not taken that in yet. Nothing was sent.",
    },
  ),
  ...all('usage', 'Go on with that disk. If it is lost, twinvault seed forget gives it up; then begin again on this one.', {
    'seed-elsewhere': 'The seed of this job was begun on another disk, {disk}, on {begun}. Nothing was written.',
  }),
  ...all('usage', 'Use twinvault backup: it sends only what changed. For a first backup of something else, name another --job.', {
    'seed-late': 'This job has {sequence} safesets at its vault already, so a seed disk would not bring its first.',
  }),
  ...all(
    'vault',
    'Is it plugged in and mounted? Give the same command again then: it goes on where it was. Nothing that was written is lost.',
    {
      'seed-away': 'The seed disk at {localPath} cannot be read or written: {reason}',
    },
  ),
  ...all(
    'full',
    'What was written is kept. Make room on it, or copy all of it onto a larger disk, and give the same command again: it goes on there.',
    {
      'seed-full': 'The seed disk at {localPath} is full.',
    },
  ),
  ...all('vault', 'Check the path, and whether the disk is mounted there.', {
    'seed-missing': 'There is no seed disk at {localPath}',
  }),
  ...all('newer', newer, {
    'seed-newer': 'The seed disk at {localPath} was written by a newer version of Twinvault.',
  }),
  ...all(
    'missing',
    'Is it the right disk, and the right site? A safe is made over the network first (twinvault init); its seeds are taken in where it stands. Nothing was taken in.',
    {
      'seed-foreign': 'The seed on the disk at {localPath} is of safe {safe}, which this site does not have.',
    },
  ),
  ...all(
    'usage',
    'A load is made by twinvault seed create and taken in by seed import; a restore is made by seed export and restored from.',
    {
      'seed-purpose': 'The seed disk at {localPath} is for the other way: it is a {purpose}.',
    },
  ),
  ...all('missing', 'Whoever makes it gives the same command again, until it says that the seed is complete.', {
    'seed-unfinished': 'The seed on the disk at {localPath} is not complete yet.',
  }),
  ...all('damaged', 'Make it again with the same command as before: what is whole is used again.', {
    'seed-damaged': 'The seed disk at {localPath} is damaged: {defect}',
  }),
  ...all(
    'trust',
    'Nothing was taken in. Ask whoever made the disk whether it is this one, and whether that computer was revoked.',
    {
      'seed-signer': 'The seed is not signed by a computer of the safe that may write: {defect}',
    },
  ),
  ...all('trust', askOperator, {
    'head-rolled-back': 'The vault shows an older state of this job than this computer has seen.',
    'ledger-rolled-back': 'The vault shows an older or another ledger of this safe than this computer has seen.',
    'ledger-forked': 'The ledger of the vault does not continue the one that this computer has seen.',
    'ledger-behind': 'The vault has fewer ledger entries than this computer has seen.',
    'ledger-broken': 'The ledger of this safe is broken.',
    'ledger-foreign-head': 'A record refers to a ledger that is not the one of this vault.',
    'ledger-signer': 'An entry of the ledger is signed by somebody who may not.',
    'successor-mismatch': 'A safe claims to take the place of another, but the key that this computer knows did not sign that.',
    'root-mismatch': 'This safe is signed by another root key than the one that this computer knows.',
    'receipt-invalid': 'The vault answered with a receipt that is not valid.',
    'record-mismatch': 'The vault answered with another record than the one asked for.',
    'signature-invalid': 'A signature is not valid: the object is damaged or forged.',
    'job-foreign': 'A record is signed by a computer that may not write this job.',
    'suite-too-low': 'An object uses a lower cipher suite than this safe demands.',
    'slot-parameters': 'A key slot asks for a password hash outside the permitted range.',
    'slots-mismatch': 'The key slots of the vault are not those that the ledger names.',
    'enrolment-invalid': 'The enrolment message is damaged, or was changed on its way.',
    'epoch-unknown': 'Something was sealed to a key that the ledger of this safe does not name.',
    'safe-mismatch': 'An object belongs to another safe.',
  }),
  ...all(
    'trust',
    "Let no clean run at either site, and keep this computer's state. Ask whoever runs the sites whether both were set back to older copies; twinvault safesets shows what is there, and all of it restores. Nothing was stored.",
    {
      'head-unknown': 'Neither site knows the newest safeset of this job that this computer has stored.',
    },
  ),
  ...all('damaged', checkVault, {
    'vault-damaged': 'An object of the vault is missing or damaged: {object}',
    'blob-damaged': 'A stored piece is damaged.',
    'slip-damaged': 'The key of a stored piece is damaged.',
    'chunk-missing': 'A stored piece is missing.',
    'id-mismatch': 'A stored piece is not the one that it should be.',
    'payload-invalid': 'A stored piece is damaged.',
    'catalog-invalid': 'The catalog of the safeset is damaged.',
    'pack-damaged': 'A pack is damaged.',
    'pack-foreign': 'A pack belongs to another safe or computer.',
    'pack-short': 'A pack is shorter than it should be.',
    'pack-unknown': 'A pack is missing.',
    'pack-too-large': 'A pack is larger than the limit.',
    'record-invalid': 'The record of a safeset is damaged.',
    'record-sealed-damaged': 'The sealed part of a safeset is damaged.',
    'record-part-invalid': 'The sealed part of a safeset is damaged.',
    'refs-invalid': 'The refs of a safeset are damaged.',
    'refs-mismatch': 'What a safeset refers to is not what its catalog needs.',
    'object-invalid': 'An object of the vault is damaged.',
    'object-too-large': 'An object of the vault is larger than the limit.',
    'cbor-invalid': 'An object of the vault is damaged.',
    'id-invalid': 'An id in the vault is damaged.',
    'bytes-invalid': 'An object of the vault is damaged.',
    'bytes-short': 'An object of the vault ends too early.',
    'limit-exceeded': 'An object of the vault exceeds a limit.',
    'slot-damaged': 'The key slot accepts the secret but is damaged.',
  }),
  ...all('damaged', 'Test the memory of this computer before you back up again: what was sealed would not have opened.', {
    'memory-fault': 'The memory of this computer is faulty: data changed while it was processed.',
  }),
  ...all('usage', 'Give --allow-large if this is meant, or look at it first with --dry-run. Nothing was removed.', {
    'clean-stopped': 'More than half of the safe would be removed at once.',
  }),
  ...all('usage', null, {
    'slot-last': 'The last way to open a safe cannot be removed.',
    'slot-too-many': 'A safe has at most 16 key slots.',
    'platform-unsupported': 'Twinvault does not support this operating system or processor yet.',
  }),
  ...all('interrupted', 'The next run goes on from there.', {
    'run-aborted': 'The run was stopped; what it had sent is kept.',
  }),
  ...all('notEnrolled', 'Choose again: twinvault safe reuse safe, or safe reuse computer. That writes the file anew.', {
    'settings-damaged': 'What was chosen for this computer cannot be read, and nothing laxer is taken in its place: {localPath}',
  }),
  ...all('unexpected', 'Try again. If it happens again, the message above says where.', {
    'file-failed': 'The operating system reports a failure: {reason} {localPath}',
    'file-too-large': 'This file is larger than expected: {localPath}',
    'database-failed': 'The local state cannot be used: {reason}',
    'worker-failed': 'A worker thread ended before its work was done.',
    'thread-failed': 'A worker thread ended before its work was done.',
  }),
};
