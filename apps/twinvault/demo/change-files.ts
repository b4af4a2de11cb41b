/** Everyday changes to a folder, chosen by the order of names: edits, an appended line, a new file, a rename, a deletion. */

import { appendFileSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

function regularFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => lstatSync(path).nlink === 1)
    .sort();
}

/** What was done, a line each. */
export function changeSomeFiles(folder: string): string[] {
  const files = regularFiles(folder);
  const pick = (share: number): string | undefined => files[Math.floor(files.length * share)];
  const done: string[] = [];
  const name = (path: string): string => relative(folder, path);
  const [edited, appended, renamed, removed] = [pick(0.1), pick(0.3), pick(0.5), pick(0.7)];
  if (edited !== undefined) {
    writeFileSync(edited, Buffer.concat([Buffer.from('A new first line.\n'), readFileSync(edited)]));
    done.push(`edited    ${name(edited)}`);
  }
  if (appended !== undefined && appended !== edited) {
    appendFileSync(appended, 'A new last line.\n');
    done.push(`appended  ${name(appended)}`);
  }
  if (renamed !== undefined && renamed !== appended) {
    renameSync(renamed, `${renamed}.renamed`);
    done.push(`renamed   ${name(renamed)}`);
  }
  if (removed !== undefined && removed !== renamed) {
    rmSync(removed);
    done.push(`deleted   ${name(removed)}`);
  }
  const added = join(folder, 'a new file.txt');
  writeFileSync(added, 'Something that was not there before.\n');
  done.push(`added     ${name(added)}`);
  return done;
}
