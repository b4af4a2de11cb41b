/* What stands on a recovery kit, in the languages that there are. */

export interface KitPhrases {
  readonly title: string;
  readonly subtitle: string;
  readonly safe: string;
  readonly safeId: string;
  readonly rootKey: string;
  readonly madeOn: string;
  readonly wordsTitle: string;
  readonly wordsHelp: string;
  readonly qrTitle: string;
  readonly qrHelp: string;
  readonly codeTitle: string;
  readonly codeHelp: string;
  readonly warning: string;
  readonly stepsTitle: string;
  readonly steps: readonly { readonly text: string; readonly command: string | null }[];
  readonly byHand: readonly string[];
}

const english: KitPhrases = {
  title: 'Recovery kit',
  subtitle: 'The second way to open your safe, when the password is lost or its keeper cannot be asked.',
  safe: 'Safe',
  safeId: 'Safe id',
  rootKey: 'Root key',
  madeOn: 'Made on',
  wordsTitle: 'The 24 words',
  wordsHelp:
    'Down the columns, 1 to 24. Capital letters do not matter, and the first four letters of each word are enough. Words, QR code and code say the same: any one of them opens the safe.',
  qrTitle: 'QR code',
  qrHelp: 'Scan it only with a device that you trust, and that does not send what it reads anywhere.',
  codeTitle: 'Code',
  codeHelp: 'Small letters, spaces and missing hyphens do not matter; I and L count as 1, O as 0.',
  warning:
    'Whoever has this page and access to the vault can read everything in the safe. If the password is lost, this page is the only way to the data: nobody, the provider included, can make either of them again.',
  stepsTitle: 'If you need it',
  steps: [
    {
      text: 'Take any computer with Twinvault. This asks for the words or the code, in the place of the password:',
      command: 'twinvault restore --vault VAULT --safe NAME --safeset latest --to FOLDER --kit-file -',
    },
    {
      text: 'If the password is lost, set a new one; this page stays valid:',
      command: 'twinvault safe passwd --vault VAULT --safe NAME --kit-file -',
    },
    {
      text: 'If somebody else may have seen this page, make a new one. That ends this one:',
      command: 'twinvault safe kit --vault VAULT --safe NAME --new-kit-file kit.pdf',
    },
  ],
  byHand: ['Where the vault is', 'Who keeps this page, and where'],
};

const german: KitPhrases = {
  title: 'Wiederherstellungsdokument',
  subtitle: 'Der zweite Weg in Ihren Safe, wenn das Kennwort verloren ist oder niemand mehr danach gefragt werden kann.',
  safe: 'Safe',
  safeId: 'Safe-Kennung',
  rootKey: 'Wurzelschlüssel',
  madeOn: 'Erstellt am',
  wordsTitle: 'Die 24 Wörter',
  wordsHelp:
    'Spaltenweise von 1 bis 24. Groß- und Kleinschreibung ist gleich, und die ersten vier Buchstaben jedes Wortes genügen. Wörter, QR-Code und Code sagen dasselbe: Jedes davon öffnet den Safe.',
  qrTitle: 'QR-Code',
  qrHelp: 'Nur mit einem Gerät lesen, dem Sie vertrauen und das Gelesenes nirgendwohin sendet.',
  codeTitle: 'Code',
  codeHelp: 'Kleinbuchstaben, Leerzeichen und fehlende Striche stören nicht; I und L gelten als 1, O als 0.',
  warning:
    'Wer diese Seite und Zugang zum Vault hat, kann alles im Safe lesen. Ist das Kennwort verloren, führt nur diese Seite zu den Daten: Niemand, auch der Anbieter nicht, kann eines von beiden neu erzeugen.',
  stepsTitle: 'Wenn Sie es brauchen',
  steps: [
    {
      text: 'Nehmen Sie einen beliebigen Computer mit Twinvault. Dies fragt statt des Kennworts nach den Wörtern oder dem Code:',
      command: 'twinvault restore --vault VAULT --safe NAME --safeset latest --to ORDNER --kit-file -',
    },
    {
      text: 'Ist das Kennwort verloren, setzen Sie ein neues; diese Seite bleibt gültig:',
      command: 'twinvault safe passwd --vault VAULT --safe NAME --kit-file -',
    },
    {
      text: 'Könnte jemand anderes diese Seite gesehen haben, erstellen Sie eine neue. Damit gilt diese nicht mehr:',
      command: 'twinvault safe kit --vault VAULT --safe NAME --new-kit-file kit.pdf',
    },
  ],
  byHand: ['Ort des Vaults', 'Wer diese Seite wo verwahrt'],
};

export const kitPhrases: Readonly<Record<'en' | 'de', KitPhrases>> = { en: english, de: german };
