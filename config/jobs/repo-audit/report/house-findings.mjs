/** Owns the findings about tests, unfinished work, and what is missing or does not belong there. */
import { code, counted, filesAndFolders, list, number, share, size } from './markdown.mjs';
import { createFinding } from './finding.mjs';

/** @import { Finding } from './finding.mjs' */

const LARGE_BINARY_BYTES = 10_000_000;
const MANY_NOTES = 20;
/** Where fewer of all notes are in one file, they do not gather there. */
const NOTES_SHARE = 0.2;

/** @param {import('../quality.mjs').QualitySection} quality @param {boolean} isPart of a repository @returns {Finding[]} */
const testFindings = ({ testFileCount, sourceFileCount, ci, testFrameworks }, isPart) => {
  const sources = counted(sourceFileCount, 'source file');
  const isTestedInside = testFrameworks.some((name) => name.includes('in the sources'));
  if (testFileCount === 0 && !isTestedInside) {
    return sourceFileCount < 5
      ? []
      : isPart
        ? [createFinding(40, `No tests among ${sources} in this part`, 'They may lie elsewhere in the repository.')]
        : [
            createFinding(
              60,
              `No tests for ${sources}`,
              'Nothing says whether a change broke something. A test of the hot spots pays first.',
            ),
          ];
  }
  if (sourceFileCount > 50 && testFileCount / sourceFileCount < 0.05 && !isTestedInside) {
    return [
      createFinding(
        39,
        `Few tests: ${counted(testFileCount, 'test file')} for ${sources}`,
        'Most of the code can break without anybody being told.',
      ),
    ];
  }
  if (ci.some(({ runsTests }) => runsTests)) return [];
  const what =
    ci.length === 0
      ? 'No continuous integration that could run them was found.'
      : `${list(ci.map(({ name }) => name))} is there, but nothing in it looks like tests.`;
  return [
    createFinding(
      41,
      `${testFileCount === 0 ? 'Tests in the sources' : counted(testFileCount, 'test file')}, and nothing that runs ${testFileCount === 1 ? 'it' : 'them'} by itself`,
      `${what} A test that is not run does not help.`,
    ),
  ];
};

/** @param {import('../quality.mjs').QualitySection} quality @returns {Finding[]} */
const orderFindings = ({ examples, counts }) => {
  /** @type {Finding[]} */
  const findings = [];
  if (counts.conflicts > 0)
    findings.push(
      createFinding(
        85,
        `A merge that was never finished: ${list(examples.conflicts.slice(0, 3).map(code), counts.conflicts)}`,
        'The marks of a conflict stand in the file; it cannot work like that.',
      ),
    );
  if (counts.installed > 0)
    findings.push(
      createFinding(
        47,
        `${counted(counts.installed, 'installed file')} in git (node_modules, venv or the like)`,
        'They can be installed again from the lock file; in git they make every clone and every comparison slow.',
      ),
    );
  if (counts.collisions > 0)
    findings.push(
      createFinding(
        34,
        `Names that differ only in upper and lower case: ${(examples.collisions[0] ?? []).map(code).join(' and ')}`,
        'On macOS and Windows one of them replaces the other.',
      ),
    );
  if (counts.junk + counts.ignored > 0)
    findings.push(
      createFinding(
        18,
        `${counted(Math.max(counts.junk, counts.ignored), 'file')} in git that should be ignored: ${list([...examples.junk, ...examples.ignored].slice(0, 2).map(code))}`,
        'They change by themselves and get in the way of every comparison.',
      ),
    );
  return findings;
};

/** @param {import('./audit.mjs').Audit} audit @returns {Finding[]} */
const missingFindings = ({ quality, about, languages }) => {
  if (
    quality === undefined ||
    languages?.source !== 'git' ||
    about === undefined ||
    about.prefix !== '' ||
    (languages.own.fileCount ?? 0) < 3
  )
    return [];
  /** @param {string} name */
  const isMissing = (name) => quality.missing.includes(name);
  /** @type {Finding[]} */
  const findings = [];
  if (isMissing('README'))
    findings.push(createFinding(36, 'No README', 'Whoever comes new has nothing to begin with.'));
  if (isMissing('licence') && about.licence === '' && !about.kind.startsWith('private'))
    findings.push(
      createFinding(
        32,
        'No licence',
        'Without one nobody else may use it; if that is meant, a line that says so helps.',
      ),
    );
  if (isMissing('.gitignore'))
    findings.push(createFinding(20, 'No .gitignore', 'Sooner or later something comes in that was not meant to.'));
  return findings;
};

/** @param {import('../languages.mjs').LanguagesSection} languages @returns {Finding[]} */
const sizeFindings = ({ largestBinary, largestText, binary, source, counts }) => {
  /** @type {Finding[]} */
  const findings = [];
  const large = largestBinary.filter(({ sizeBytes }) => sizeBytes >= LARGE_BINARY_BYTES);
  const first = large[0];
  if (first !== undefined && source === 'git') {
    findings.push(
      createFinding(
        43,
        `Large binary files in git: ${code(first.path)} has ${size(first.sizeBytes)}; ${size(binary.sizeBytes)} in all`,
        'Every version stays in every clone for ever. Git LFS, or a place for artifacts, is made for them.',
      ),
    );
  }
  if (counts.missingCount > 0) {
    findings.push(
      createFinding(
        37,
        `${counted(counts.missingCount, 'file')} of the index ${counts.missingCount === 1 ? 'is' : 'are'} not in the folder`,
        'Nothing is told of what they hold. Perhaps they were deleted and that is not committed, or were never checked out.',
      ),
    );
  }
  if (counts.tooLargeCount > 0) {
    const largest = largestText.find(({ lineCount }) => lineCount === null);
    const others = counts.tooLargeCount > 1 ? ` (and ${counts.tooLargeCount - 1} more)` : '';
    const name = largest === undefined ? '' : `: ${code(largest.path)} has ${size(largest.sizeBytes)}`;
    findings.push(
      createFinding(
        42,
        `Too large to be read as a whole${name}${others}`,
        'What is in it was looked at in part only, and is not counted. Data of that size has better places than among sources.',
      ),
    );
  }
  if (counts.unreadableCount + counts.unreadableFolderCount > 0) {
    findings.push(
      createFinding(
        22,
        `${filesAndFolders(counts.unreadableCount, counts.unreadableFolderCount)} could not be read`,
        'Nothing is known of them; the permissions may be a mistake.',
      ),
    );
  }
  return findings;
};

/** @param {import('../todos.mjs').TodosSection} todos @returns {Finding[]} */
const noteFindings = ({ files, total }) => {
  const first = files[0];
  if (first === undefined || first.total < MANY_NOTES || first.total / total < NOTES_SHARE) return [];
  return [
    createFinding(
      30,
      `${number(first.total)} notes like TODO in ${code(first.path)} (${share(first.total, total)} of all)`,
      'Work that was put off gathers there.',
    ),
  ];
};

/** @param {import('./audit.mjs').Audit} audit @returns {Finding[]} */
export const houseFindings = (audit) => [
  ...(audit.quality === undefined
    ? []
    : [...testFindings(audit.quality, (audit.about?.prefix ?? '') !== ''), ...orderFindings(audit.quality)]),
  ...missingFindings(audit),
  ...(audit.languages === undefined ? [] : sizeFindings(audit.languages)),
  ...(audit.todos === undefined ? [] : noteFindings(audit.todos)),
];
