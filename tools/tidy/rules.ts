import type { Rule } from './rule.ts'
import { importTableRule } from './rules/import-table.ts'
import { manifestsRule } from './rules/manifests.ts'
import { nodeModulesRule } from './rules/node-modules.ts'

/** Every rule that the repository is held to. */
export const rules: readonly Rule[] = [importTableRule, nodeModulesRule, manifestsRule]
