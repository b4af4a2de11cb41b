/** The page of text on a disk with safesets. Whoever reads it may have nothing but the disk, and may never have heard of Twinvault. */

export interface RestoreText {
  /** Label of the safe. */
  readonly safe: string;
  readonly hasReader: boolean;
}

/** As one types it in a shell. */
function quoted(safe: string): string {
  return /^[\w.@%+=:,-]+$/u.test(safe) ? safe : `'${safe.replaceAll("'", String.raw`'\''`)}'`;
}

function commands(safe: string, program: string): readonly string[] {
  return [
    `  ${program} safesets --vault vault --safe ${quoted(safe)}`,
    `  ${program} restore --vault vault --safe ${quoted(safe)} --safeset latest --to /tmp/restored`,
  ];
}

const wrapped = (paragraphs: readonly string[]): string => `${paragraphs.join('\n')}\n`;

export function restoreTextEnglish({ safe, hasReader }: RestoreText): string {
  const program = hasReader ? './twinvault/bin/twinvault' : 'twinvault';
  const [list, restore] = commands(safe, program) as [string, string];
  return wrapped([
    'RESTORING FROM THIS DISK',
    '',
    'This disk holds backups that were made with Twinvault. They are encrypted: you need the',
    `password of the safe "${safe}", or its recovery kit (a printed page with words and a code).`,
    'Without one of the two nobody can read them. You need no network and no service.',
    '',
    ...(hasReader
      ? [
          'You need a Linux computer of the same kind as the one on which the disk was made',
          '(x86-64 or ARM64). The program is on this disk.',
        ]
      : ['You need a Linux computer with Twinvault on it: this disk holds none.']),
    '',
    '1. Open a terminal and go to the folder on the disk in which this file lies:',
    '',
    '  cd /path/to/this/folder',
    '',
    '2. See what is there:',
    '',
    list,
    '',
    '3. Restore. It asks for the password; with the kit, add --kit-file - and type its words:',
    '',
    restore,
    '',
    '"latest" is the newest backup of a job. With several jobs or an older one, take the first',
    'letters of the id that step 2 shows. To restore only some files, add their paths at the end.',
    'To bring back owners of files, run it as root.',
    '',
    'To prove first that the disk is complete:',
    '',
    `  ${program} seed verify .`,
    '',
    ...(hasReader
      ? [
          'If it says "Permission denied", the disk is mounted so that programs on it may not run:',
          'copy the folder "twinvault" to your home folder and call it from there.',
          '',
          'Should the program not run on your computer, twinvault/decoder holds a small reader in',
          'Python that does the same; its README.md says how.',
          '',
        ]
      : []),
    'If this computer was backed up into the same safe and says that the ledger is older than it',
    'has seen, add --state /tmp/state: it then compares with nothing that it knew.',
    '',
  ]);
}

export function restoreTextGerman({ safe, hasReader }: RestoreText): string {
  const program = hasReader ? './twinvault/bin/twinvault' : 'twinvault';
  const [list, restore] = commands(safe, program) as [string, string];
  return wrapped([
    'WIEDERHERSTELLEN VON DIESER PLATTE',
    '',
    'Diese Platte enthält Sicherungen, die mit Twinvault gemacht wurden. Sie sind verschlüsselt:',
    `Sie brauchen das Passwort des Safes "${safe}" oder sein Wiederherstellungsdokument (eine`,
    'gedruckte Seite mit Wörtern und einem Code). Ohne eines von beiden kann sie niemand lesen.',
    'Sie brauchen weder Netz noch Dienst.',
    '',
    ...(hasReader
      ? [
          'Sie brauchen einen Linux-Rechner derselben Art wie der, auf dem die Platte entstand',
          '(x86-64 oder ARM64). Das Programm liegt auf dieser Platte.',
        ]
      : ['Sie brauchen einen Linux-Rechner mit Twinvault: auf dieser Platte liegt keines.']),
    '',
    '1. Öffnen Sie ein Terminal und gehen Sie in den Ordner der Platte, in dem diese Datei liegt:',
    '',
    '  cd /pfad/zu/diesem/ordner',
    '',
    '2. Sehen Sie nach, was da ist:',
    '',
    list,
    '',
    '3. Stellen Sie wieder her. Gefragt wird nach dem Passwort; mit dem Dokument hängen Sie',
    '   --kit-file - an und tippen seine Wörter:',
    '',
    restore,
    '',
    '"latest" ist die neueste Sicherung eines Jobs. Bei mehreren Jobs, oder für eine ältere, nehmen',
    'Sie den Anfang der Kennung, die Schritt 2 zeigt. Für einzelne Dateien hängen Sie deren Pfade an.',
    'Damit auch Eigentümer von Dateien zurückkommen, rufen Sie es als root auf.',
    '',
    'Um vorher zu beweisen, dass die Platte vollständig ist:',
    '',
    `  ${program} seed verify .`,
    '',
    ...(hasReader
      ? [
          'Sagt es "Permission denied", so ist die Platte so eingehängt, dass Programme auf ihr nicht',
          'laufen dürfen: kopieren Sie den Ordner "twinvault" in Ihr Home-Verzeichnis und rufen Sie ihn dort auf.',
          '',
          'Läuft das Programm auf Ihrem Rechner nicht: twinvault/decoder enthält ein kleines Leseprogramm',
          'in Python, das dasselbe tut; seine README.md sagt, wie.',
          '',
        ]
      : []),
    'Wurde dieser Rechner selbst in denselben Safe gesichert und sagt er, das Ledger sei älter als',
    'das ihm bekannte, hängen Sie --state /tmp/state an: dann vergleicht er mit nichts, was er kannte.',
    '',
  ]);
}
