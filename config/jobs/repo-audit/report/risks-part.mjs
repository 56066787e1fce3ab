/** Owns the report's parts about secrets, tests, notes in the code and housekeeping. */
import { code, counted, factTable, list, number, paragraphs, table, text } from './markdown.mjs';

/** @import { Audit } from './audit.mjs' */

/** @param {import('../secrets.mjs').SecretPlace} one */
const secretRow = (one) => [
  text(one.kind),
  `${code(one.path)}:${one.line}`,
  one.prefix === '' ? 'not shown' : code(`${one.prefix}…`),
  one.certainty,
  one.isSample ? 'test, example or document' : one.isTracked ? 'in git' : 'not in git',
];

/** @param {Audit} audit */
export const secretsPart = ({ secrets: told }) => {
  if (told === undefined) return '';
  const { certain, likely, sample } = told.counts;
  const total = certain + likely + sample;
  const files = told.files.map((file) => [
    code(file.path),
    text(file.kind),
    file.valueCount === 0 ? '' : number(file.valueCount),
    file.isTracked ? 'yes' : 'no',
  ]);
  const nothing =
    total === 0 && told.files.length === 0
      ? told.scannedCount === 0
        ? 'There was no text to search.'
        : `None found in ${counted(told.scannedCount, 'file')}.`
      : '';
  const limits = [
    told.partlyCount > 0 ? `Of ${counted(told.partlyCount, 'large file')} only the first 4 MB were searched.` : '',
    told.isCut ? '**Not all files were searched: the limits of the audit were reached.**' : '',
  ];
  return paragraphs([
    '## Secrets',
    nothing,
    total === 0
      ? ''
      : `${number(certain)} certain, ${number(likely)} likely, ${number(sample)} among tests, examples and documents (often made up). The secrets themselves are not shown; only what is in the files now was searched, not older versions.`,
    table(['Kind', 'Place', 'Begins with', 'How sure', 'Where'], told.secrets.map(secretRow)),
    total > told.secrets.length ? `${number(total - told.secrets.length)} more are not listed.` : '',
    table(['File that usually holds secrets', 'Kind', 'Values>', 'In git'], files),
    table(
      ['Deleted, but in the history', 'Deleted by'],
      told.deleted.map(({ path, commit }) => [code(path), code(commit)]),
    ),
    ...limits,
  ]);
};

/** @param {Audit} audit */
export const testsPart = ({ quality }) => {
  if (quality === undefined) return '';
  const ci = quality.ci.map(
    ({ name, files, runsTests }) =>
      `${name} (${list(files.slice(0, 4).map(code), files.length)}${runsTests ? '' : '; nothing in it looks like tests'})`,
  );
  const support =
    quality.supportFileCount > 0
      ? ` (and ${counted(quality.supportFileCount, 'fixture or helper', 'fixtures and helpers')})`
      : '';
  return paragraphs([
    '## Tests and CI',
    factTable([
      [
        'Tests',
        `${counted(quality.testFileCount, 'test file')}${support} beside ${counted(quality.sourceFileCount, 'source file')}`,
      ],
      ['Frameworks', text(quality.testFrameworks.join(', '))],
      ['Command', code(quality.testCommand)],
      ['Folders', list(quality.testFolders.map(code))],
      ['CI', ci.length === 0 ? 'none found' : list(ci)],
    ]),
  ]);
};

/** @param {import('../todos.mjs').TodosSection} todos */
const partlyLookedAt = ({ partlyCount }) =>
  partlyCount > 0 ? `Of ${counted(partlyCount, 'large file')} only the first 4 MB were looked at.` : '';

/** What was not looked at is not said to be empty. @param {import('../todos.mjs').TodosSection} todos */
const noNotes = (todos) => {
  if (todos.lookedAtCount === 0) return 'There is no text here that people leave notes in.';
  const where = todos.partlyCount > 0 || todos.isCut ? 'what was looked at' : 'the comments of what was written here';
  return `No TODO, FIXME, HACK or XXX in ${where}. ${partlyLookedAt(todos)}`.trim();
};

/** @param {Audit} audit */
export const notesPart = ({ todos }) => {
  if (todos === undefined) return '';
  const { counts } = todos;
  const files = todos.files.map((file) => [
    code(file.path),
    number(file.total),
    number(file.counts.TODO),
    number(file.counts.FIXME),
    number(file.counts.HACK),
    number(file.counts.XXX),
  ]);
  const folders = list(todos.folders.map(({ folder, total }) => `${code(folder)} ${number(total)}`));
  const partly = partlyLookedAt(todos);
  const lines = todos.urgent.map(({ path, line, text: said }) => [`${code(path)}:${line}`, code(said)]);
  return paragraphs([
    '## Notes left in the code',
    todos.total === 0
      ? noNotes(todos)
      : `${number(todos.total)} in ${counted(todos.fileCount, 'file')}: ${number(counts.TODO)} TODO, ${number(counts.FIXME)} FIXME, ${number(counts.HACK)} HACK, ${number(counts.XXX)} XXX.`,
    table(['File', 'All>', 'TODO>', 'FIXME>', 'HACK>', 'XXX>'], files),
    todos.folders.length > 1 ? `By folder: ${folders}.` : '',
    lines.length > 0 ? '### What some of them say' : '',
    table(['Place', 'Line'], lines),
    todos.total > 0 ? partly : '',
    todos.isCut ? '**Not all files were searched: the limits of the audit were reached.**' : '',
  ]);
};

/** @param {Audit} audit */
export const housePart = ({ quality }) => {
  if (quality === undefined) return '';
  const { counts, examples } = quality;
  const odd = list(
    examples.odd.slice(0, 5).map(({ path, why }) => `${code(path)} (${why})`),
    counts.odd,
  );
  const collisions = list(
    examples.collisions.slice(0, 3).map(([a, b]) => `${code(a)} and ${code(b)}`),
    counts.collisions,
  );
  return paragraphs([
    '## Housekeeping',
    factTable([
      ['There', list(quality.present)],
      ['At the top of the repository', list(quality.presentAbove)],
      ['Not found', list(quality.missing)],
      ['Unfinished merges', counts.conflicts === 0 ? '' : list(examples.conflicts.map(code), counts.conflicts)],
      ['Installed packages in git', counts.installed === 0 ? '' : counted(counts.installed, 'file')],
      [
        'Left behind by editors and builds',
        counts.junk === 0 ? '' : list(examples.junk.slice(0, 5).map(code), counts.junk),
      ],
      [
        'In git although ignored',
        counts.ignored === 0 ? '' : list(examples.ignored.slice(0, 5).map(code), counts.ignored),
      ],
      ['Odd names', counts.odd === 0 ? '' : odd],
      ['Same but for upper and lower case', counts.collisions === 0 ? '' : collisions],
    ]),
  ]);
};
