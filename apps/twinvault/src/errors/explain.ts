/** From an error to what people read: one sentence, what to do, and the exit code. The only place of the command that knows error codes. */
import { CodedError } from '@twinvault/std';
import type { ExitName } from './exit-codes.ts';
import { sentences } from './sentences.ts';
import { UsageError } from './usage-error.ts';

export interface Explanation {
  readonly code: string;
  readonly exit: ExitName;
  readonly sentence: string;
  readonly advice: string | null;
  /** More lines, for unexpected errors. */
  readonly details: readonly string[];
}

export function explain(error: unknown, interrupted: boolean): Explanation {
  if (interrupted) {
    return {
      code: 'interrupted',
      exit: 'interrupted',
      sentence: 'Stopped as asked.',
      advice: 'What was sent is kept; the next run goes on from there.',
      details: [],
    };
  }
  if (error instanceof UsageError) {
    return { code: error.exit, exit: error.exit, sentence: error.message, advice: null, details: [] };
  }
  if (error instanceof CodedError) {
    const known = sentences[error.code];
    if (known !== undefined) {
      const context = error.context as Readonly<Record<string, unknown>>;
      return {
        code: error.code,
        exit: known.exit,
        sentence: fill(known.sentence, context),
        advice: known.advice === null ? null : fill(known.advice, context),
        details: [],
      };
    }
  }
  return unexpected(error);
}

/** `{name}` becomes the context's value; where there is none it goes, and the colon and space before it. */
function fill(template: string, context: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(/(:?) ?\{(\w+)\}/gu, (match, _colon: string, name: string) => {
    const value = context[name];
    if (typeof value !== 'string' && typeof value !== 'number') return '';
    return match.replace(`{${name}}`, () => String(value));
  });
}

function unexpected(error: unknown): Explanation {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause =
    error instanceof Error && error.cause instanceof Error ? [`caused by: ${error.cause.stack ?? error.cause.message}`] : [];
  return {
    code: error instanceof CodedError ? error.code : 'internal',
    exit: 'unexpected',
    sentence: 'Something went wrong that should not happen. Stored safesets are not affected.',
    advice: 'Please report it with the lines below.',
    details: [...stack.split('\n'), ...cause],
  };
}
