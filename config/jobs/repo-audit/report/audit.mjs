/** Owns what the analyses told, read back from their lines of JSON. An analysis that failed is not there, and is named. */
import { readJson, stringOf } from '../manifests/dependency.mjs';

/**
 * @typedef {object} Audit
 * @property {import('../about.mjs').AboutSection} [about]
 * @property {import('../languages.mjs').LanguagesSection} [languages]
 * @property {import('../dependencies.mjs').DependenciesSection} [dependencies]
 * @property {import('../history.mjs').HistorySection} [history]
 * @property {import('../hot-spots.mjs').HotSpotsSection} [hotSpots]
 * @property {import('../todos.mjs').TodosSection} [todos]
 * @property {import('../quality.mjs').QualitySection} [quality]
 * @property {import('../secrets.mjs').SecretsSection} [secrets]
 */

/** @type {Readonly<Record<string, keyof Audit>>} */
const SECTIONS = {
  about: 'about',
  languages: 'languages',
  dependencies: 'dependencies',
  history: 'history',
  'hot-spots': 'hotSpots',
  todos: 'todos',
  quality: 'quality',
  secrets: 'secrets',
};

/** @param {string} text one section per line @returns {Audit} */
export const parseAudit = (text) => {
  /** @type {Record<string, unknown>} */
  const audit = {};
  for (const line of text.split('\n')) {
    const told = readJson(line);
    const name = SECTIONS[stringOf(told['section'])];
    if (name !== undefined) audit[name] = told;
  }
  return audit;
};

/** Analyses that told nothing, by name. @param {Audit} audit */
export const missingSections = (audit) =>
  Object.entries(SECTIONS)
    .filter(([, key]) => audit[key] === undefined)
    .map(([name]) => name);

/** @returns {Promise<Audit>} from standard input */
export const readAudit = async () => {
  /** @type {Buffer[]} */
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return parseAudit(Buffer.concat(chunks).toString('utf8'));
};
