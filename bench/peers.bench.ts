/*
 * How fast and how small is Twinvault against restic and borg, and against what the machine can do at best?
 *
 *   npm run bench -- peers                                 everything at scale 1, 3 rounds: some minutes
 *   npm run bench -- peers twinvault restic database       one input, two programs
 *   npm run bench -- peers --scale 8 --rounds 5 --markdown --json results.json
 *   npm run bench -- peers --profile first-backup          where the time of Twinvault goes
 *
 * README.md here says what the words and options are and how it is measured.
 */

import { writeFileSync } from 'node:fs';
import { contenders } from './peers/contenders.ts';
import { measureNights, nightsSubjects } from './peers/nights.ts';
import type { NightsResult } from './peers/nights.ts';
import type { Profiled } from './peers/profile.ts';
import { profile, profileText } from './peers/profile.ts';
import { markdownStyle, plainStyle, reportText } from './peers/report.ts';
import type { InputResult } from './peers/results.ts';
import { measureInput } from './peers/rounds.ts';
import type { Settings } from './peers/settings.ts';
import { folderInput, readSettings, usage } from './peers/settings.ts';
import { madeInput } from './inputs/input.ts';
import type { Input } from './inputs/input.ts';
import { machine } from './support/machine.ts';
import { measure } from './support/measure.ts';

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function places({ inputs, folders, scale }: Settings): { input: Input; folder: string }[] {
  const made = inputs.map((input) => ({ input, folder: madeInput(input, scale) }));
  return [...made, ...folders.map((folder) => ({ input: folderInput(folder), folder }))];
}

async function compare(settings: Settings, signal: AbortSignal): Promise<void> {
  const results: InputResult[] = [];
  if (settings.cases.length > 0) {
    for (const place of places(settings)) {
      const { contenders: programs, cases: chosen, rounds } = settings;
      const measureCommand = (_: unknown, command: Parameters<typeof measure>[0]) => measure(command);
      results.push(measureInput({ ...place, contenders: programs, chosen, rounds, say: progress, measureCommand }));
    }
  }
  const nights: NightsResult[] = [];
  for (const subject of settings.nights.flatMap((name) => nightsSubjects[name] ?? [])) {
    progress(`nights: ${subject.of}`);
    nights.push(...(await measureNights({ subject, scale: settings.scale, say: progress, signal })));
  }
  const { scale, rounds } = settings;
  const programs = settings.contenders.map(({ name, version }) => ({ name, version }));
  const all = { machine: machine(), programs, scale, rounds, inputs: results, nights };
  process.stdout.write(reportText(all, settings.markdown ? markdownStyle : plainStyle));
  if (settings.json !== null) writeFileSync(settings.json, `${JSON.stringify(all, null, 2)}\n`);
}

function showProfiles(settings: Settings): void {
  const style = settings.markdown ? markdownStyle : plainStyle;
  const all: { input: string; profiles: Profiled[] }[] = [];
  process.stdout.write(`${machine()}\n`);
  for (const place of places(settings)) {
    const profiles: Profiled[] = [];
    const { size } = measureInput({
      ...place,
      contenders: settings.contenders.filter(({ role }) => role === 'subject'),
      chosen: settings.cases,
      rounds: 1,
      say: progress,
      measureCommand: (one, command) => {
        const profiled = profile(one.about, command);
        if (settings.cases.includes(one)) profiles.push(profiled);
        return profiled.measurement;
      },
    });
    for (const profiled of profiles) {
      process.stdout.write(profileText(profiled, { name: place.input.name, bytes: size.bytes }, style));
    }
    all.push({ input: place.input.name, profiles });
  }
  const plain = (_: string, value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value) : value);
  if (settings.json !== null) writeFileSync(settings.json, `${JSON.stringify(all, plain, 2)}\n`);
}

// Ctrl-C reaches the program that is being measured too; its failure, or the aborted night, ends the bench on the way that unmounts and removes.
const stop = new AbortController();
process.on('SIGINT', () => stop.abort(new Error('ended by SIGINT')));

try {
  const settings = readSettings(process.argv.slice(2), contenders());
  if (settings === null) process.stdout.write(usage);
  else if (settings.profile) showProfiles(settings);
  else await compare(settings, stop.signal);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
