/** Owns the report's part about dependencies. */
import { code, counted, factTable, list, number, paragraphs, table, text } from './markdown.mjs';

/** @import { Ecosystem } from '../dependencies.mjs' */

/** @param {Ecosystem} one */
const gradesText = ({ grades }) => {
  /** @type {[number, string][]} */
  const parts = [
    [grades.exact, 'exact'],
    [grades.range, 'in a range'],
    [grades.open, 'without an upper bound'],
    [grades.git, 'from git'],
    [grades.url, 'from a URL'],
    [grades.local, 'of this repository'],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${number(count)} ${name}`)
    .join(', ');
};

/** @param {Ecosystem} one */
const ecosystemPart = (one) => {
  const total = one.runtimeCount + one.devCount;
  const lock =
    one.lockFiles.length === 0
      ? 'none'
      : `${list(one.lockFiles.map(code))}${one.lockedCount > 0 ? `, ${counted(one.lockedCount, 'package')}` : ''}`;
  const facts = factTable([
    ['Direct', `${number(total)}: ${number(one.runtimeCount)} to run, ${number(one.devCount)} to develop`],
    ['Versions', gradesText(one)],
    ['Lock file', lock],
    ['Without a lock file', one.unlockedCount === 0 ? '' : list(one.unlocked.map(code), one.unlockedCount)],
    ['No upper bound', one.grades.open === 0 ? '' : list(one.open.map(code), one.grades.open)],
    ['From git or a URL', one.outside.length === 0 ? '' : list(one.outside.map(code), one.grades.git + one.grades.url)],
    ['Locked from elsewhere than the registry', one.outsideLockedCount === 0 ? '' : number(one.outsideLockedCount)],
    [
      'Run code when installed',
      one.installScriptCount === 0 ? '' : list(one.installScripts.map(code), one.installScriptCount),
    ],
    ['Deprecated', one.deprecatedCount === 0 ? '' : list(one.deprecated.map(code), one.deprecatedCount)],
    [
      'In several versions',
      one.duplicateCount === 0
        ? ''
        : list(
            one.duplicates.slice(0, 6).map(({ name, versions }) => `${code(name)} ${versions.map(text).join(' ')}`),
            one.duplicateCount,
          ),
    ],
    ['Licences', list(one.licences.map(([licence, count]) => `${text(licence)} ${number(count)}`))],
  ]);
  const manifests =
    one.manifestCount < 2
      ? ''
      : table(
          ['Manifest', 'To run>', 'To develop>'],
          one.manifests.map((manifest) => [
            code(manifest.path),
            number(manifest.runtimeCount),
            number(manifest.devCount),
          ]),
        );
  return paragraphs([`### ${one.name}, ${counted(one.manifestCount, 'manifest')}`, facts, manifests]);
};

/** @param {import('./audit.mjs').Audit} audit */
export const dependenciesPart = ({ about, dependencies }) => {
  if (dependencies === undefined) return '';
  const samples =
    dependencies.sampleManifestCount > 0
      ? `${counted(dependencies.sampleManifestCount, 'manifest')} among tests, examples and documents ${dependencies.sampleManifestCount === 1 ? 'was' : 'were'} not counted.`
      : '';
  const { unreadable, unreadableCount } = dependencies;
  const broken =
    unreadableCount === 0
      ? ''
      : `Could not be read, so what they declare is not told: ${list(
          unreadable.map(({ path, why }) => `${code(path)} (${text(why)})`),
          unreadableCount,
        )}.`;
  const none =
    dependencies.ecosystems.length === 0 && broken === ''
      ? `No manifest that is known here${(about?.prefix ?? '') === '' ? '' : ', in this part of the repository,'} declares any.`
      : '';
  return paragraphs(['## Dependencies', broken, none, ...dependencies.ecosystems.map(ecosystemPart), samples]);
};
