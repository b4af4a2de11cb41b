/** Whose stored data a computer uses again, in words and as an option. */
import { Option } from '@commander-js/extra-typings';
import type { ReuseScope } from '@twinvault/engine';

export const reuseChoices = ['safe', 'computer'] as const;

export const reuseHelp =
  '"safe": what any of its computers stored, once it is proven; "computer": only what this computer stored itself';

export const reuseNames: Readonly<Record<ReuseScope, string>> = {
  safe: 'what any computer of the safe has stored, once it is proven',
  computer: 'only what it has stored itself',
};

/** For the verbs that enrol this computer. */
export function reuseOption(): Option<'--reuse <scope>', undefined, undefined, undefined, false, ReuseScope> {
  return new Option('--reuse <scope>', `whose stored data this computer uses again: ${reuseHelp} (default: safe)`).choices(
    reuseChoices,
  );
}
