import type { Rule } from './rule.ts';
import { adrRule } from './rules/adr.ts';
import { changelogRule } from './rules/changelog.ts';
import { entriesRule } from './rules/entries.ts';
import { errorCodesRule } from './rules/error-codes.ts';
import { generatedPagesRule } from './rules/generated-pages.ts';
import { importCirclesRule } from './rules/import-circles.ts';
import { importTableRule } from './rules/import-table.ts';
import { linksRule } from './rules/links.ts';
import { lockfileRule } from './rules/lockfile.ts';
import { manifestsRule } from './rules/manifests.ts';
import { nodeModulesRule } from './rules/node-modules.ts';
import { secretFilesRule } from './rules/secret-files.ts';
import { sizesRule } from './rules/sizes.ts';
import { syntaxRule } from './rules/syntax.ts';
import { wordingRule } from './rules/wording.ts';

/** Every rule that the repository is held to. */
export const rules: readonly Rule[] = [
  importTableRule,
  importCirclesRule,
  nodeModulesRule,
  manifestsRule,
  entriesRule,
  syntaxRule,
  sizesRule,
  wordingRule,
  secretFilesRule,
  lockfileRule,
  errorCodesRule,
  generatedPagesRule,
  linksRule,
  changelogRule,
  adrRule,
];
