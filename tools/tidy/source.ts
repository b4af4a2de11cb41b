/*
 * Source files parsed once: their imports, and the few kinds of syntax that rules ask about.
 */

import ts from 'typescript';
import type { Repository } from './repository.ts';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

const parsed = new WeakMap<Repository, Map<string, ts.SourceFile>>();

export function parse(repository: Repository, path: string): ts.SourceFile {
  const files = parsed.get(repository) ?? new Map<string, ts.SourceFile>();
  parsed.set(repository, files);
  const file = files.get(path) ?? ts.createSourceFile(path, repository.text(path), ts.ScriptTarget.ES2024, true);
  files.set(path, file);
  return file;
}

export function lineOf(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}

/** Calls visit for each node of the file, parents first. */
export function walk(file: ts.SourceFile, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(file);
}

/** Every module the file names: import and export declarations, import() calls and import types. */
export function importsOf(repository: Repository, path: string): Import[] {
  const file = parse(repository, path);
  const imports: Import[] = [];
  walk(file, (node) => {
    const found = moduleNamedBy(node);
    if (found !== null) imports.push({ ...found, line: lineOf(file, node) });
  });
  return imports;
}

function moduleNamedBy(node: ts.Node): Omit<Import, 'line'> | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return { specifier: node.moduleSpecifier.text, typeOnly };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, typeOnly: true };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    if (argument !== undefined && ts.isStringLiteralLike(argument)) return { specifier: argument.text, typeOnly: false };
  }
  return null;
}
