/** Owns the gist in three lines: what it is; its size and health; what to look at first. Plain text, below 2 kB. */
import { findingsOf, nothingFound } from './findings.mjs';
import { counted, day, number, share } from './markdown.mjs';

/** @import { Audit } from './audit.mjs' */

const MAX_LINE_BYTES = 600;

/** @param {string} line */
const cut = (line) => {
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_LINE_BYTES) return line;
  return `${bytes.toString('utf8', 0, MAX_LINE_BYTES - 3).replace(/\ufffd$/, '')}…`; // a character was cut in two
};

/** @param {Audit} audit */
const whatItIs = ({ about, languages }) => {
  if (about === undefined) return 'What it is could not be told.';
  const main = languages?.languages[0];
  const language = main !== undefined && main.kind === 'code' ? main.name : '';
  const kind = about.kind || (language === '' ? 'a folder of files' : `${language} code`);
  const version = about.version === '' ? '' : ` ${about.version}`;
  const built = about.frameworks.length > 0 ? `, built with ${about.frameworks.join(', ')}` : '';
  const description = about.description === '' ? '' : ` — ${about.description}`;
  return `${about.name}${version}: ${kind}${built}${description}`;
};

/** @param {Audit} audit */
const sizeOf = ({ languages }) => {
  if (languages === undefined) return 'size unknown';
  const code = languages.languages.filter(({ kind }) => kind === 'code');
  const total = code.reduce((sum, { lineCount }) => sum + lineCount, 0);
  const main = code.slice(0, 3).map(({ name, lineCount }) => `${name} ${share(lineCount, total)}`);
  const shares = main.length === 0 ? '' : ` (${main.join(', ')})`;
  return `${counted(languages.own.fileCount, 'file')}, ${counted(total, 'line')} of code${shares}`;
};

/** @param {Audit} audit */
const historyOf = ({ history }) => {
  if (history === undefined) return 'history unknown';
  if (history.state === 'none') return 'no git history';
  const { commitCount, authorCount, lastAtS } = history.commits;
  return commitCount === 0
    ? 'no commits yet'
    : `${counted(commitCount, 'commit')} by ${counted(authorCount, 'person', 'people')}, last on ${day(lastAtS)}`;
};

/** @param {Audit} audit */
const dependenciesOf = ({ dependencies }) => {
  if (dependencies === undefined) return 'dependencies unknown';
  const direct = dependencies.ecosystems.reduce((sum, one) => sum + one.runtimeCount + one.devCount, 0);
  const locked = dependencies.ecosystems.reduce((sum, one) => sum + one.lockedCount, 0);
  if (direct === 0) return 'no declared dependencies';
  return `${counted(direct, 'direct dependency', 'direct dependencies')}${locked > 0 ? ` (${number(locked)} locked)` : ', none locked'}`;
};

/** @param {Audit} audit */
const testsOf = ({ quality }) => {
  if (quality === undefined) return 'tests unknown';
  const ci = quality.ci.length > 0 ? `CI: ${quality.ci.map(({ name }) => name).join(', ')}` : 'no CI';
  const inside = quality.testFrameworks.some((name) => name.includes('in the sources'))
    ? 'tests in the sources'
    : 'no tests';
  return `${quality.testFileCount > 0 ? counted(quality.testFileCount, 'test file') : inside}, ${ci}`;
};

/** @param {Audit} audit */
export const gistOf = (audit) => {
  const findings = findingsOf(audit);
  const first = findings.slice(0, 3).map(({ plain }, index) => `(${index + 1}) ${plain}`);
  const lines = [
    whatItIs(audit),
    [sizeOf(audit), historyOf(audit), dependenciesOf(audit), testsOf(audit)].join('; '),
    first.length === 0 ? nothingFound(audit) : `Look first at: ${first.join('; ')}`,
  ];
  return lines.map((line) => cut(line.replace(/\s+/g, ' '))).join('\n');
};
