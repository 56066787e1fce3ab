/** Owns what the build files of the JVM tell: Maven's pom.xml, Gradle's scripts, version catalogue and lock file. */
import { addLocked, createLock, createManifest, gradeOf } from './dependency.mjs';
import { readToml, tableOf, textOf } from './toml.mjs';

/** @import { Dependency, Grade } from './dependency.mjs' */

/** A snapshot is another file tomorrow. @param {string} spec @returns {Grade} */
const gradeOfJvm = (spec) => {
  if (/SNAPSHOT|^(LATEST|RELEASE)$|\+$/.test(spec)) return 'open';
  if (/^[[(]/.test(spec)) return /,\s*[\])]/.test(spec) ? 'open' : 'range';
  return gradeOf(spec) === 'open' ? 'open' : 'exact';
};

/** @param {string} xml @param {string} name */
const elementOf = (xml, name) => new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(xml)?.[1];

/** @type {import('./dependency.mjs').ManifestReader} */
export const readPom = (text) => {
  const xml = text.replace(/<!--[\s\S]*?-->/g, '');
  const properties = /<properties>([\s\S]*?)<\/properties>/.exec(xml)?.[1] ?? '';
  const managed = /<dependencyManagement>[\s\S]*?<\/dependencyManagement>/g;
  const dependencies = [...xml.replace(managed, '').matchAll(/<dependency>([\s\S]*?)<\/dependency>/g)].map(
    ([, block = '']) => {
      const spec = elementOf(block, 'version') ?? '';
      const property = /^\$\{([\w.-]+)\}$/.exec(spec)?.[1];
      const version =
        property === undefined ? spec : (elementOf(properties, property.replaceAll('.', String.raw`\.`)) ?? spec);
      const name = `${elementOf(block, 'groupId') ?? ''}:${elementOf(block, 'artifactId') ?? ''}`;
      // without a version: the parent's or a bill of materials' to say
      return {
        name,
        spec: version,
        grade: version === '' ? /** @type {const} */ ('range') : gradeOfJvm(version),
        isDev: elementOf(block, 'scope') === 'test',
      };
    },
  );
  return createManifest('Maven', dependencies, { needsLock: false });
};

const GRADLE_LINE =
  /\b(\w*(?:implementation|api|compileOnly|runtimeOnly|compile|kapt|ksp|annotationProcessor|classpath))\b[\s(]+(?:platform\()?["']([\w.-]+:[\w.-]+)(?::([^"'@]*))?/gi;

/** @type {import('./dependency.mjs').ManifestReader} */
export const readGradle = (text) => {
  const code = text.replace(/^\s*\/\/.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
  /** @type {Dependency[]} */
  const dependencies = [];
  for (const [, scope = '', name = '', spec = ''] of code.matchAll(GRADLE_LINE)) {
    const grade = spec === '' || spec.includes('$') ? 'range' : gradeOfJvm(spec);
    dependencies.push({ name, spec, grade, isDev: /test/i.test(scope) });
  }
  return createManifest('Gradle', dependencies, { needsLock: false });
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readVersionCatalogue = (text) => {
  const toml = readToml(text);
  const versions = tableOf(toml['versions']);
  const dependencies = Object.entries(tableOf(toml['libraries'])).map(([alias, value]) => {
    const detail = tableOf(value);
    const version = detail['version'];
    const ref = textOf(tableOf(version)['ref']) ?? textOf(detail['version.ref']);
    const spec =
      textOf(value)?.split(':')[2] ?? textOf(version) ?? (ref === undefined ? '' : (textOf(versions[ref]) ?? ''));
    return {
      name: textOf(detail['module']) ?? alias,
      spec,
      grade: spec === '' ? /** @type {const} */ ('range') : gradeOfJvm(spec),
      isDev: false,
    };
  });
  return createManifest('Gradle', dependencies, { needsLock: false });
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readGradleLock = (text) => {
  const lock = createLock('Gradle');
  for (const [, name = '', version = ''] of text.matchAll(/^([\w.-]+:[\w.-]+):([^=\s]+)=/gm))
    addLocked(lock, name, version);
  return lock;
};
