/** Owns the beginning of the report: what to look at first, what it is, how large it is. */
import {
  code,
  counted,
  day,
  factTable,
  filesAndFolders,
  list,
  number,
  paragraphs,
  share,
  size,
  table,
  text,
} from './markdown.mjs';
import { findingsOf, nothingFound } from './findings.mjs';

/** @import { Audit } from './audit.mjs' */

/** @param {Audit} audit */
export const firstPart = (audit) => {
  const findings = findingsOf(audit);
  if (findings.length === 0) return paragraphs(['## What I would look at first', nothingFound(audit)]);
  return paragraphs([
    '## What I would look at first',
    findings.map(({ title, why }, index) => `${index + 1}. **${title}**\\\n   ${why}`).join('\n'),
  ]);
};

/** @param {import('../history/commit-count.mjs').CommitFacts} commits */
const span = ({ firstAtS, lastAtS }) => {
  const [first, last] = [day(firstAtS), day(lastAtS)];
  return first === last ? `on ${first}` : `from ${first} to ${last}`;
};

/** @param {import('../history/commit-count.mjs').CommitFacts} commits */
const recently = ({ authorCount, lastYearAuthorCount }) => {
  if (authorCount < 2) return '';
  const count = authorCount === lastYearAuthorCount ? 'all' : number(lastYearAuthorCount);
  return `, ${count} of them in the last year of work`;
};

/** @param {Audit} audit */
const gitFacts = ({ history }) => {
  /** @type {[string, string][]} */
  const facts = [];
  if (history?.state !== 'git') return facts;
  const { commits } = history;
  const branch =
    history.branch === ''
      ? `detached at ${code(history.head)}`
      : `${code(history.branch)}${history.head === '' ? ', no commits yet' : ` at ${code(history.head)}`}`;
  const remarks = [
    history.isShallow ? 'shallow clone' : '',
    history.isPartial ? 'partial clone' : '',
    history.isWorktree ? 'linked worktree' : '',
  ].filter((remark) => remark !== '');
  facts.push(['Branch', [branch, ...remarks].join(', ')]);
  facts.push(['Remotes', history.remotes.map(({ name, url }) => `${text(name)} ${code(url)}`).join(', ')]);
  if (commits.commitCount > 0) {
    const bots = commits.botCommitCount > 0 ? `, ${number(commits.botCommitCount)} of them by bots` : '';
    facts.push(['Commits', `${number(commits.commitCount)}${bots}, ${span(commits)}`]);
    facts.push(['People', `${number(commits.authorCount)}${recently(commits)}`]);
  }
  facts.push([
    'Branches and tags',
    `${counted(history.branchCount, 'branch', 'branches')} and ${counted(history.tagCount, 'tag')}${history.latestTag === '' ? '' : `, the newest tag is ${code(history.latestTag)}`}`,
  ]);
  facts.push(['Size of the history', size(history.packedBytes)]);
  return facts;
};

/** @param {Audit} audit */
export const aboutPart = (audit) => {
  const { about, quality } = audit;
  if (about === undefined) return '';
  const licence = [...new Set([about.licence, quality?.licence ?? ''])]
    .filter((name) => name !== '')
    .map(text)
    .join(', licence file: ');
  const facts = factTable([
    ['Kind', text(about.kind)],
    ['Version', text(about.version)],
    ['Licence', licence],
    ['Told by', code(about.manifest)],
    ['Built with', text(about.frameworks.join(', '))],
    ['Folder', code(about.root)],
    ['Part of a repository', about.prefix === '' ? '' : `${code(about.prefix)} of ${code(about.top)}`],
    ...gitFacts(audit),
  ]);
  const folders = list(
    about.folders
      .slice(0, 12)
      .map(({ name, fileCount }) => `${name === '.' ? 'at the top' : code(name)} ${number(fileCount)}`),
    about.folders.length,
  );
  return paragraphs([
    '## What it is',
    text(about.description),
    text(about.remark),
    about.remedy === '' ? '' : `If you trust it, run ${code(about.remedy)} and audit again.`,
    facts,
    about.folders.length > 1 ? `Files by folder: ${folders}.` : '',
  ]);
};

/** @param {import('../languages.mjs').LanguagesSection} languages */
const remarksOnSize = ({ counts, skippedFolders, isCut }) => {
  const remarks = [
    counts.untrackedCount > 0
      ? `${counted(counts.untrackedCount, 'file is', 'files are')} not in git yet, and not ignored.`
      : '',
    counts.submoduleCount > 0 ? `${counted(counts.submoduleCount, 'submodule')}, not looked into.` : '',
    counts.nestedCount > 0
      ? `${counted(counts.nestedCount, 'git repository', 'git repositories')} within this one that ${counts.nestedCount === 1 ? 'is no submodule' : 'are no submodules'}, not looked into.`
      : '',
    counts.symlinkCount > 0 ? `${counted(counts.symlinkCount, 'symbolic link')}, not followed.` : '',
    counts.lfsCount > 0 ? `${counted(counts.lfsCount, 'file is', 'files are')} kept by Git LFS and not here.` : '',
    counts.missingCount > 0
      ? `${counted(counts.missingCount, 'file')} of the index ${counts.missingCount === 1 ? 'is' : 'are'} not in the folder.`
      : '',
    counts.unreadableCount + counts.unreadableFolderCount > 0
      ? `${filesAndFolders(counts.unreadableCount, counts.unreadableFolderCount)} could not be read.`
      : '',
    counts.tooLargeCount > 0
      ? `${counted(counts.tooLargeCount, 'file is', 'files are')} too large to be read as a whole (more than 16 MB); ${counts.tooLargeCount === 1 ? 'its' : 'their'} lines are not counted.`
      : '',
    skippedFolders.length > 0 ? `Left out as installed or built: ${list(skippedFolders.map(code))}.` : '',
    isCut ? '**There is more than was looked at: the limits of the audit were reached.**' : '',
  ];
  return remarks
    .filter((remark) => remark !== '')
    .map((remark) => `- ${remark}`)
    .join('\n');
};

/** @param {Audit} audit */
export const sizePart = ({ languages: told }) => {
  if (told === undefined) return '';
  const written = told.languages.filter(({ kind }) => kind === 'code');
  const total = written.reduce((sum, { lineCount }) => sum + lineCount, 0);
  const rows = told.languages
    .slice(0, 20)
    .map((one) => [
      text(one.name),
      number(one.fileCount),
      number(one.lineCount),
      one.kind === 'code' && total > 0 ? share(one.lineCount, total) : '',
      size(one.sizeBytes),
    ]);
  /** @type {[string, import('../languages.mjs').Size][]} */
  const others = [
    ['Made by programs', told.generated],
    ['Other people’s code', told.vendored],
    ['Binary', told.binary],
  ];
  for (const [name, one] of others)
    if (one.fileCount > 0)
      rows.push([
        `_${name}_`,
        number(one.fileCount),
        one.lineCount === 0 ? '' : number(one.lineCount),
        '',
        size(one.sizeBytes),
      ]);
  const texts = told.largestText.map((file) => [
    code(file.path),
    file.lineCount === null ? 'not read' : number(file.lineCount),
    size(file.sizeBytes),
  ]);
  const binaries = told.largestBinary.map((file) => [code(file.path), size(file.sizeBytes)]);
  return paragraphs([
    '## Size',
    table(['Language', 'Files>', 'Lines>', 'Of the code>', 'Size>'], rows),
    remarksOnSize(told),
    texts.length > 0 ? '### Largest files' : '',
    table(['Text', 'Lines>', 'Size>'], texts),
    table(['Binary', 'Size>'], binaries),
  ]);
};
