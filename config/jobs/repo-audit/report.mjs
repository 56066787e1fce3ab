/** Makes the report: reads what the analyses told, one line of JSON each, and prints Markdown. */
import { resolve } from 'node:path';
import { askGit } from './repository/git.mjs';
import { originOf } from './repository/path-class.mjs';
import { plainText } from './repository/path-text.mjs';
import { findSecrets } from './secrets/secret-rules.mjs';
import { missingSections, readAudit } from './report/audit.mjs';
import { dependenciesPart } from './report/dependencies-part.mjs';
import { historyPart } from './report/history-part.mjs';
import { list, paragraphs, text } from './report/markdown.mjs';
import { aboutPart, firstPart, sizePart } from './report/overview-part.mjs';
import { housePart, notesPart, secretsPart, testsPart } from './report/risks-part.mjs';

/** @import { Audit, NoteLine } from './report/audit.mjs' */

const MAX_NOTE_LINES = 15;

/** Of these paths the ones that git ignores; nothing where no git is. @param {string} root @param {readonly string[]} paths */
const findIgnored = async (root, paths) => {
  const { lines } = await askGit(root, ['check-ignore', '--', ...paths.map((path) => `./${path}`)]);
  return new Set(lines.map((line) => line.slice(2)));
};

/** Lines worth quoting: of files written here, on one line, and without what looks like a secret. @param {string} root @param {readonly NoteLine[]} matches */
const quotable = async (root, matches) => {
  const own = matches.filter(({ path }) => originOf(path) === 'own');
  const ignored = await findIgnored(root, [...new Set(own.map(({ path }) => path))]);
  return own
    .filter(({ path }) => !ignored.has(path))
    .slice(0, MAX_NOTE_LINES)
    .map((match) => ({
      path: plainText(match.path),
      line: match.line,
      text:
        findSecrets(match.text).length > 0
          ? 'not shown: there is something like a secret in this line'
          : plainText(match.text.trim(), 160),
    }));
};

/** @param {Audit} audit */
const headPart = ({ about }) => {
  const now = new Date().toISOString();
  return paragraphs([
    `# Audit of ${text(about?.name ?? 'a repository')}`,
    `Made on ${now.slice(0, 10)} at ${now.slice(11, 16)} UTC by the job repo-audit, offline: nothing was run, installed or asked of a server.`,
  ]);
};

/** @param {Audit} audit */
const untoldPart = (audit) => {
  const missing = missingSections(audit);
  return missing.length === 0
    ? ''
    : paragraphs([
        '## What could not be told',
        `These analyses failed: ${list(missing)}. The run's tool calls say why.`,
      ]);
};

const root = resolve(process.argv[2] ?? '.');
const audit = await readAudit();
const matches = audit.notes?.matches;
if (matches !== undefined) audit.notes = { matches: await quotable(root, matches) };
const parts = [
  headPart,
  firstPart,
  untoldPart,
  aboutPart,
  sizePart,
  secretsPart,
  dependenciesPart,
  historyPart,
  testsPart,
  notesPart,
  housePart,
];
process.stdout.write(`${paragraphs(parts.map((part) => part(audit)))}\n`);
