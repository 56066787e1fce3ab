/**
 * Checks that the documents are true where a machine can see it: links lead somewhere, and each row of
 * `docs/failure-modes.md` names tests that are there.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const problems: string[] = [];

const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];
for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)) {
    if (!existsSync(join(root, dirname(page), target))) problems.push(`${page}: the link to ${target} leads nowhere`);
  }
}

/** Cases that several files of tests share stand in `test/agents/`. */
const tests = globSync(['{src,test}/**/*.test.ts', 'test/agents/*.ts'], { cwd: root });
const titles = new Map(tests.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
/** Rows of the tables whose last column is `test`; an overview has none, and its rows come again with theirs. */
const rowsWithTests = (text: string): readonly string[] => {
  let isOurs = false;
  const lines = text.split('\n');
  return lines.filter((line, at) => {
    const isHeader = line.startsWith('|') && (lines[at + 1] ?? '').startsWith('| ---');
    const isRule = line.startsWith('| ---') || line.startsWith('|---');
    if (isHeader || (lines[at + 1] ?? '').startsWith('|---')) isOurs = line.endsWith('| test |');
    return isOurs && line.startsWith('| ') && !isHeader && !isRule && !(lines[at + 1] ?? '').startsWith('|---');
  });
};
const rows = rowsWithTests(readFileSync(join(root, 'docs/failure-modes.md'), 'utf8'));
let named = 0;
for (const row of rows) {
  const cell = row.split(/(?<!\\)\|/).at(-2) ?? '';
  const references = [...cell.matchAll(/`([^`]+\.test\.ts|test\/agents\/[^`]+\.ts)`(?:[:,]? “([^”]+)”)?/g)];
  if (references.length === 0) problems.push(`docs/failure-modes.md: this row names no test: ${row.slice(0, 80)}…`);
  for (const [, file = '', title] of references) {
    named += 1;
    const text = titles.get(file);
    if (text === undefined) problems.push(`docs/failure-modes.md: there is no test file ${file}`);
    else if (title !== undefined && !text.includes(title))
      problems.push(`docs/failure-modes.md: ${file} has no test “${title}”`);
  }
}
if (rows.length === 0) problems.push('docs/failure-modes.md has no rows: this check would check nothing');
for (const problem of problems) console.error(problem);
console.log(`docs: ${pages.length} pages, ${rows.length} failure modes, ${named} tests named`);
process.exitCode = problems.length === 0 ? 0 : 1;
