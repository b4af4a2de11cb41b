/** Retention rules between the command line, the ledger and people. */
import type { Ledger } from '@twinvault/format';
import type { RetentionRule } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';

/** TYPE=DAYS/COPIES, each type once. */
export function rulesOf(texts: readonly string[], intraday: boolean): Map<string, RetentionRule> {
  const rules = new Map<string, RetentionRule>();
  for (const text of texts) {
    const match = /^([^=]+)=(\d{1,5})\/(\d{1,6})$/u.exec(text);
    const [, type, days, copies] = match ?? [];
    if (type === undefined || Number(copies) < 1)
      throw new UsageError(`--keep ${text} is not of the form TYPE=DAYS/COPIES, for example daily=31/7, with at least one copy.`);
    if (rules.has(type)) throw new UsageError(`--keep says twice what to keep of type "${type}".`);
    rules.set(type, { days: Number(days), copies: Number(copies), intraday });
  }
  return rules;
}

/** What a clean-up is told must not go against what the safe's owner signed. */
export function demandNotSigned(rules: ReadonlyMap<string, RetentionRule>, ledger: Ledger): void {
  for (const type of rules.keys()) {
    const signed = ledger.retentions().get(type);
    if (signed === undefined) continue;
    throw new UsageError(
      `The safe itself says what to keep of type "${type}": ${ruleText(signed)}. twinvault safe retention changes that; it needs the safe's password.`,
    );
  }
}

export function ruleText({ days, copies, intraday }: RetentionRule): string {
  const [day, copy] = [days === 1 ? 'day' : 'days', copies === 1 ? 'copy' : 'copies'];
  return `${days} ${day} and ${copies} ${copy}${intraday ? ', each safeset a copy' : ''}`;
}
