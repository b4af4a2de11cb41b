/*
 * The error codes of the packages, read from their errors.ts without running it. Such a file exports one table:
 *
 *   export const vaultErrorCodes = {
 *     'vault-full': { retry: 'later', meaning: 'The disk below the vault has no room left.' },
 *   } as const
 */

import ts from 'typescript';
import type { Repository } from './repository.ts';
import { lineOf, parse } from './source.ts';

export interface ErrorRow {
  readonly path: string;
  readonly line: number;
  readonly code: string;
  /** null where it is not a plain string. */
  readonly retry: string | null;
  readonly meaning: string | null;
}

export interface ErrorTable {
  readonly path: string;
  readonly packageName: string;
  /** Name of the exported table; null when the file has none. */
  readonly name: string | null;
  readonly rows: readonly ErrorRow[];
}

export function errorTablesOf(repository: Repository): ErrorTable[] {
  const tables: ErrorTable[] = [];
  for (const path of repository.paths) {
    const packageName = /^(?:packages|apps)\/([^/]+)\/src\/errors\.ts$/.exec(path)?.[1];
    if (packageName !== undefined) tables.push({ path, packageName, ...readTable(repository, path) });
  }
  return tables;
}

function readTable(repository: Repository, path: string): { name: string | null; rows: ErrorRow[] } {
  const file = parse(repository, path);
  for (const statement of file.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (!ts.isIdentifier(name) || !name.text.endsWith('ErrorCodes') || initializer === undefined) continue;
      const table = ts.isAsExpression(initializer) ? initializer.expression : initializer;
      if (!ts.isObjectLiteralExpression(table)) continue;
      return { name: name.text, rows: table.properties.map((property) => readRow(file, path, property)) };
    }
  }
  return { name: null, rows: [] };
}

function readRow(file: ts.SourceFile, path: string, property: ts.ObjectLiteralElementLike): ErrorRow {
  const code = property.name !== undefined && ts.isPropertyName(property.name) ? nameText(property.name) : '';
  const fields = new Map<string, string | null>();
  if (ts.isPropertyAssignment(property) && ts.isObjectLiteralExpression(property.initializer)) {
    for (const field of property.initializer.properties) {
      if (ts.isPropertyAssignment(field)) fields.set(nameText(field.name), plainString(field.initializer));
    }
  }
  const retry = fields.get('retry') ?? null;
  const meaning = fields.get('meaning') ?? null;
  return { path, line: lineOf(file, property), code, retry, meaning };
}

function nameText(name: ts.PropertyName): string {
  return ts.isIdentifier(name) || ts.isStringLiteral(name) ? name.text : '';
}

/** A string literal, or several joined by `+`; null for anything else. */
function plainString(node: ts.Expression): string | null {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return null;
  const left = plainString(node.left);
  const right = plainString(node.right);
  return left === null || right === null ? null : left + right;
}
