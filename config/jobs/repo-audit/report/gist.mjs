/** Owns the gist in three lines: what it is; its size and health; what to look at first. Plain text, below 2 kB. */
import { findingsOf, nothingFound } from './findings.mjs';
import { counted, day, number, share, size } from './markdown.mjs';

/** @import { Audit } from './audit.mjs' */

const MAX_LINE_BYTES = 600;

/** @param {string} line */
const cut = (line) => {
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_LINE_BYTES) return line;
  return `${bytes.toString('utf8', 0, MAX_LINE_BYTES - 3).replace(/\ufffd$/, '')}…`; // a character was cut in two
};

/** What the files are where no manifest tells. @param {Audit} audit */
const kindOf = ({ about, languages }) => {
  if (about === undefined || about.kind !== '') return about?.kind ?? '';
  const main = languages?.languages[0];
  if (main?.kind === 'code') return `${main.name} code`;
  const isGone = languages?.own.fileCount === 0 && languages.counts.missingCount > 0;
  if (isGone) return 'a repository whose files are not in the folder';
  const isBinaryOnly = languages !== undefined && main === undefined && languages.binary.fileCount > 0;
  return isBinaryOnly ? 'binary files' : 'a folder of files';
};

/** @param {Audit} audit */
const whatItIs = (audit) => {
  const { about } = audit;
  if (about === undefined) return 'What it is could not be told.';
  const version = about.version === '' ? '' : ` ${about.version}`;
  const built = about.frameworks.length > 0 ? `, built with ${about.frameworks.join(', ')}` : '';
  const bare = about.isBare ? ', in a bare repository' : '';
  const part = about.prefix === '' ? '' : `, a part (${about.prefix}) of the repository ${about.top}`;
  const description = about.description === '' ? '' : ` — ${about.description}`;
  return `${about.name}${version}: ${kindOf(audit)}${built}${bare}${part}${description}`;
};

/** What there is beside what was written here. @param {import('../languages.mjs').LanguagesSection} languages */
const othersOf = ({ generated, vendored, binary }) => {
  /** @type {[import('../languages.mjs').Size, string, string][]} */
  const kinds = [
    [generated, 'file made by programs', 'files made by programs'],
    [vendored, 'file of other people', 'files of other people'],
    [binary, 'binary file', 'binary files'],
  ];
  return kinds
    .filter(([{ fileCount }]) => fileCount > 0)
    .map(([{ fileCount, sizeBytes }, one, many]) => `${counted(fileCount, one, many)} (${size(sizeBytes)})`);
};

/** @param {Audit} audit */
const sizeOf = ({ languages }) => {
  if (languages === undefined) return 'size unknown';
  const { own, counts, isCut } = languages;
  const code = languages.languages.filter(({ kind }) => kind === 'code');
  const total = code.reduce((sum, { lineCount }) => sum + lineCount, 0);
  const unread = [
    counts.tooLargeCount > 0 ? `${counted(counts.tooLargeCount, 'file')} too large to be read` : '',
    counts.unreadableCount + counts.unreadableFolderCount > 0 ? 'not all could be read' : '',
    counts.missingCount > 0 ? `${counted(counts.missingCount, 'file')} of the index not in the folder` : '',
    isCut ? 'not all could be looked at' : '',
  ].filter((part) => part !== '');
  const others = own.fileCount === 0 ? othersOf(languages) : [];
  if (others.length > 0) return [...others, 'no text written here', ...unread].join(', ');
  const main = code.slice(0, 3).map(({ name, lineCount }) => `${name} ${share(lineCount, total)}`);
  const shares = total === 0 ? '' : ` (${main.join(', ')})`;
  return [`${counted(own.fileCount, 'file')}, ${counted(total, 'line')} of code${shares}`, ...unread].join(', ');
};

/** @param {Audit} audit */
const historyOf = ({ about, history }) => {
  if (history === undefined) return 'history unknown';
  if (history.state === 'none')
    return about?.isRefused === true || about?.place === 'git' ? 'git history not readable' : 'no git history';
  const { commitCount, authorCount, lastAtS } = history.commits;
  if (commitCount === 0) return (about?.prefix ?? '') === '' ? 'no commits yet' : 'no commits of this part';
  const shallow = history.isShallow ? ' (shallow clone: older ones are not here)' : '';
  const people = authorCount === 0 ? 'bots' : counted(authorCount, 'person', 'people');
  return `${counted(commitCount, 'commit')}${shallow} by ${people}, last on ${day(lastAtS)}`;
};

/** @param {Audit} audit */
const dependenciesOf = ({ about, dependencies }) => {
  if (dependencies === undefined) return 'dependencies unknown';
  const direct = dependencies.ecosystems.reduce((sum, one) => sum + one.runtimeCount + one.devCount, 0);
  const locked = dependencies.ecosystems.reduce((sum, one) => sum + one.lockedCount, 0);
  const broken = dependencies.unreadableCount > 0;
  const where = (about?.prefix ?? '') === '' ? '' : ' in this part';
  if (direct === 0 && broken) return 'dependencies unknown (a manifest cannot be read)';
  if (direct === 0) return `no declared dependencies${where}`;
  const lock = locked > 0 ? ` (${number(locked)} locked)` : ', none locked';
  return `${counted(direct, 'direct dependency', 'direct dependencies')}${lock}${broken ? ', and not all manifests could be read' : ''}`;
};

/** @param {Audit} audit */
const testsOf = ({ about, quality }) => {
  if (quality === undefined) return 'tests unknown';
  const { ci, testFileCount, sourceFileCount, testFrameworks } = quality;
  const where = (about?.prefix ?? '') === '' ? '' : ' in this part';
  const none = sourceFileCount === 0 ? 'no code of its own' : 'no tests';
  const isInside = testFrameworks.some((name) => name.includes('in the sources'));
  const tests =
    testFileCount > 0 ? counted(testFileCount, 'test file') : isInside ? 'tests in the sources' : `${none}${where}`;
  return `${tests}, ${ci.length > 0 ? `CI: ${ci.map(({ name }) => name).join(', ')}` : 'no CI'}`;
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
