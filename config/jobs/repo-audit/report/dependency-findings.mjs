/** Owns the findings about dependencies. */
import { code, counted, list, text } from './markdown.mjs';
import { createFinding } from './finding.mjs';

/** @import { Ecosystem } from '../dependencies.mjs' */
/** @import { Finding } from './finding.mjs' */

const MANY_DUPLICATES = 25;

/** @param {Ecosystem} ecosystem @returns {Finding[]} */
const lockFindings = ({ name, unlocked, unlockedCount, unlockedDependencies, lockFiles }) => {
  const { runtimeCount, devCount } = unlockedDependencies;
  if (unlockedCount === 0 || runtimeCount + devCount === 0) return [];
  const where = unlocked[0] === '.' ? '' : ` in ${list(unlocked.slice(0, 3).map(code), unlockedCount)}`;
  const what = counted(runtimeCount + devCount, `${name} dependency`, `${name} dependencies`);
  const why =
    'What is installed changes from day to day, so a build that worked cannot be repeated. Commit the lock file.';
  const weight = (runtimeCount > 0 ? 58 : 40) - (lockFiles.length > 0 ? 12 : 0); // elsewhere they know how
  return [createFinding(weight, `No lock file for ${what}${where}`, why)];
};

/** @param {Ecosystem} ecosystem @returns {Finding[]} */
const requirementFindings = ({ name, open, outside, grades, lockFiles }) => {
  /** @type {Finding[]} */
  const findings = [];
  if (outside.length > 0) {
    const all = list(outside.slice(0, 2).map(code), grades.git + grades.url);
    findings.push(
      createFinding(
        lockFiles.length > 0 ? 34 : 48,
        `${counted(grades.git + grades.url, `${name} dependency`, `${name} dependencies`)} from git or a URL: ${all}`,
        'No registry keeps what is there: it can change or vanish.',
      ),
    );
  }
  if (grades.open > 0) {
    const all = list(open.slice(0, 3).map(code), grades.open);
    findings.push(
      createFinding(
        lockFiles.length > 0 ? 24 : 46,
        `${counted(grades.open, `${name} requirement`)} without an upper bound: ${all}`,
        'The next major version comes in unasked.',
      ),
    );
  }
  return findings;
};

/** @param {Ecosystem} ecosystem @returns {Finding[]} */
const lockedFindings = ({ name, deprecated, deprecatedCount, duplicates, duplicateCount, licences }) => {
  /** @type {Finding[]} */
  const findings = [];
  if (deprecatedCount > 0) {
    findings.push(
      createFinding(
        38,
        `${counted(deprecatedCount, `locked ${name} package is deprecated`, `locked ${name} packages are deprecated`)}: ${list(deprecated.slice(0, 3).map(code), deprecatedCount)}`,
        'Their authors gave them up: no corrections will come.',
      ),
    );
  }
  const copyleft = licences.filter(([licence]) => /(^|[^L])GPL/.test(licence) && !/\bOR\b/.test(licence));
  if (copyleft.length > 0) {
    const names = list(copyleft.map(([licence, count]) => `${text(licence)} (${count})`));
    findings.push(
      createFinding(
        36,
        `Locked ${name} packages under ${names}`,
        'These licences ask something of whoever passes the program on; somebody should have decided that.',
      ),
    );
  }
  if (duplicateCount >= MANY_DUPLICATES) {
    const first = duplicates[0];
    const example = first === undefined ? '' : `, ${code(first.name)} with ${first.versions.length}`;
    findings.push(
      createFinding(
        16,
        `${counted(duplicateCount, `${name} package`)} locked in several versions${example}`,
        'More to download, more to update, and sometimes two that do not know each other at run time.',
      ),
    );
  }
  return findings;
};

/** @param {import('../dependencies.mjs').DependenciesSection} dependencies @returns {Finding[]} */
const brokenFindings = ({ unreadable, unreadableCount }) => {
  const first = unreadable[0];
  if (first === undefined) return [];
  const others = unreadableCount > 1 ? ` (and ${unreadableCount - 1} more)` : '';
  return [
    createFinding(
      70,
      `${code(first.path)} cannot be read: ${text(first.why)}${others}`,
      'What it declares is not known here, and whatever needs it fails.',
    ),
  ];
};

/** @param {import('./audit.mjs').Audit} audit @returns {Finding[]} */
export const dependencyFindings = ({ dependencies }) => [
  ...(dependencies === undefined ? [] : brokenFindings(dependencies)),
  ...(dependencies?.ecosystems ?? []).flatMap((ecosystem) => [
    ...lockFindings(ecosystem),
    ...requirementFindings(ecosystem),
    ...lockedFindings(ecosystem),
  ]),
];
