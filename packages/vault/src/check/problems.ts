/*
 * What a check can find, how bad it is, and what to do about it: the one table of its findings. A finding names the object by its
 * place below the vault's directory, which is made of fixed words and ids.
 */

export interface ProblemKind {
  /** `loss`: something committed cannot be restored from here. `fault`: repairable, or it may become a loss. `note`: nothing is wrong with the data. */
  readonly severity: 'loss' | 'fault' | 'note';
  readonly meaning: string;
  readonly advice: string;
}

export type ProblemCode =
  | 'cache-damaged'
  | 'chain-broken'
  | 'commit-unfinished'
  | 'customer-unknown'
  | 'descriptor-damaged'
  | 'generation-damaged'
  | 'home-unknown'
  | 'ledger-damaged'
  | 'ledger-lost'
  | 'minimum-age-unknown'
  | 'name-unknown'
  | 'note-damaged'
  | 'pack-aside'
  | 'pack-damaged'
  | 'pack-misplaced'
  | 'pack-unplanned'
  | 'plan-broken'
  | 'plan-damaged'
  | 'receipt-damaged'
  | 'receipt-missing'
  | 'record-at-risk'
  | 'record-damaged'
  | 'record-refused'
  | 'safe-unfinished'
  | 'site-key-damaged'
  | 'slot-damaged'
  | 'slot-unnamed'
  | 'stub-damaged'
  | 'twins-unknown'
  | 'unreadable';

export const problemKinds: Readonly<Record<ProblemCode, ProblemKind>> = {
  'cache-damaged': {
    severity: 'note',
    meaning: 'A file of the cache is not what was written.',
    advice: 'Nothing needs to be done: it is not used. A rebuild makes the cache anew.',
  },
  'chain-broken': {
    severity: 'fault',
    meaning: 'A record names an earlier one that is neither here nor left a stub.',
    advice:
      'The record itself can be restored. Look whether records were removed by hand, and put them back from a copy of the directory.',
  },
  'commit-unfinished': {
    severity: 'note',
    meaning: 'A commit was broken off; its record is not a safeset yet.',
    advice: 'Nothing needs to be done: the next backup of the job, or a clean-up, ends it.',
  },
  'customer-unknown': {
    severity: 'fault',
    meaning: 'The note that says which customer the safe belongs to is not what was written.',
    advice: 'Say it again with twinvault vault assign. Until then the safe counts as a customer of its own.',
  },
  'descriptor-damaged': {
    severity: 'loss',
    meaning: 'The descriptor of the safe is missing or is not what was stored.',
    advice: 'Put the file back from a copy of the directory. Its content is fixed when the safe is made.',
  },
  'generation-damaged': {
    severity: 'fault',
    meaning: 'The generation of the site is missing or is not what was written.',
    advice: 'Run a rebuild: it begins a new generation.',
  },
  'home-unknown': {
    severity: 'fault',
    meaning: 'The note that says which site is the home of the safe is not what was written.',
    advice: 'Put the file back from a copy of the directory, or make this site or the other one home by two operators.',
  },
  'ledger-damaged': {
    severity: 'loss',
    meaning: 'An entry of the ledger is missing, or is not what was stored.',
    advice: 'Put the file back from a copy of the directory. Without it nothing that follows it in the ledger is believed.',
  },
  'ledger-lost': {
    severity: 'note',
    meaning: 'This site appended an entry to the ledger that another home never had; it does not count any more.',
    advice:
      'What it said has to be said again at the new home: enrol the computer, change the password or set the mark once more.',
  },
  'minimum-age-unknown': {
    severity: 'fault',
    meaning: 'What says how old everything is at least when it goes is not what was written.',
    advice:
      'Put the folder site/minimum-age back from a copy of the directory, or remove it and start the site, which sets what its configuration says. Until then nothing is retired or deleted.',
  },
  'name-unknown': {
    severity: 'note',
    meaning: 'A file does not belong here.',
    advice: 'Find out who put it there and take it away. Nothing reads it.',
  },
  'note-damaged': {
    severity: 'note',
    meaning: 'A lease or a quarantine mark is not what was written.',
    advice: 'Nothing needs to be done: it is not believed, and clean-up writes it anew.',
  },
  'pack-aside': {
    severity: 'fault',
    meaning: 'A pack failed an earlier check and was kept aside.',
    advice: 'Run a backup of the computers that are still there: what they still have is stored again.',
  },
  'pack-damaged': {
    severity: 'loss',
    meaning: 'A pack is not what was stored.',
    advice:
      'Look after the disk first. Then keep the pack aside by a check that is told to, and run a backup of each computer: what they still have is stored again.',
  },
  'pack-misplaced': {
    severity: 'fault',
    meaning: 'A pack lies in the wrong folder, where nothing finds it.',
    advice: 'Move it to the folder named by the first two digits of its name.',
  },
  'pack-unplanned': {
    severity: 'fault',
    meaning: 'A compacted pack lies here that no compaction plan of this site made.',
    advice:
      'What is read from it is verified all the same. Find out who can write to the directory, or put the plan back from a copy of it.',
  },
  'plan-broken': {
    severity: 'fault',
    meaning: 'A compacted pack is not what its plan makes.',
    advice: 'What is read from it is verified all the same. Find out who can write to the directory.',
  },
  'plan-damaged': {
    severity: 'fault',
    meaning: 'A compaction plan is not what the site signed.',
    advice:
      'No data depends on it. Put it back from a copy of the directory, or remove it: the next clean-up compacts its packs by a new plan.',
  },
  'receipt-damaged': {
    severity: 'fault',
    meaning: 'A receipt is not what the site signed.',
    advice: 'Remove the file and run a rebuild: it signs a new one.',
  },
  'receipt-missing': {
    severity: 'note',
    meaning: 'A record has no receipt.',
    advice: 'Run a rebuild: it signs one.',
  },
  'record-at-risk': {
    severity: 'loss',
    meaning: 'A record refers to blobs that are missing, or to a pack that is damaged.',
    advice: 'Parts of this safeset cannot be restored from here; the rest can. Take them from another copy of the vault.',
  },
  'record-damaged': {
    severity: 'loss',
    meaning: 'A record is not what was stored.',
    advice: 'Put the file back from a copy of the directory. Clean-up deletes nothing as long as a record cannot be read.',
  },
  'record-refused': {
    severity: 'fault',
    meaning: 'A record or stub is well formed, but was not signed by who may write its job.',
    advice: 'Do not restore from it. Find out who can write to the directory.',
  },
  'safe-unfinished': {
    severity: 'note',
    meaning: 'The making of a safe was broken off; it was never there.',
    advice: 'Nothing needs to be done: clean-up removes it when it is a day old.',
  },
  'site-key-damaged': {
    severity: 'fault',
    meaning: 'The key of the site is missing or is not the one that the marker names.',
    advice: 'Put site/key back from a copy of the directory. Everything can be restored without it; nothing can be committed.',
  },
  'slot-damaged': {
    severity: 'fault',
    meaning: 'A key slot that the ledger names is missing or is not what was stored.',
    advice: 'Open the safe another way, by the recovery kit, and set the password anew.',
  },
  'slot-unnamed': {
    severity: 'note',
    meaning: 'A key slot lies here that the ledger does not name.',
    advice: 'Nothing needs to be done: nobody is given it, and clean-up removes it.',
  },
  'stub-damaged': {
    severity: 'fault',
    meaning: 'The stub of a retired record is not what was stored.',
    advice: 'No data depends on it; the chain of its job has a gap. Put it back from a copy of the directory.',
  },
  'twins-unknown': {
    severity: 'fault',
    meaning: 'The note that names the twins of this site is not what was written.',
    advice: 'Start the site with its configuration: it writes the note anew. Until then nothing is cleaned up.',
  },
  unreadable: {
    severity: 'loss',
    meaning: 'The operating system could not read a file.',
    advice: 'Look after the disk and the permissions of the directory, then check again.',
  },
};

export interface CheckProblem extends ProblemKind {
  readonly code: ProblemCode;
  /** Place below the vault's directory. */
  readonly object: string;
  /** Code of the error behind it, or a number of things concerned. */
  readonly detail: string;
}

export function problem(code: ProblemCode, object: string, detail: string = ''): CheckProblem {
  return { code, object, detail, ...problemKinds[code] };
}
