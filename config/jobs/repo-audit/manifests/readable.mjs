/** Owns whether a manifest or a lock file is in the form that its name promises. Only plain damage is told. */
import { readToml } from './toml.mjs';

/** @param {string} text */
const whyNoJson = (text) => {
  if (text.trim() === '') return 'it is empty';
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? undefined : 'it is JSON, but not an object';
  } catch (thrown) {
    // of the message only the line: the rest may quote the file
    const line = /\(line (\d+)/.exec(thrown instanceof Error ? thrown.message : '')?.[1];
    return line === undefined ? 'it is not JSON' : `it is not JSON (line ${line})`;
  }
};

/** @param {string} text */
const whyNoToml = (text) =>
  text.trim() !== '' && /^[ \t]*[^#\s]/m.test(text) && Object.keys(readToml(text)).length === 0
    ? 'it is not TOML'
    : undefined;

/** @param {string} text */
const whyNoXml = (text) => (/<\w[^>]{0,1000}>/.test(text) ? undefined : 'it is not XML');

/** @type {readonly (readonly [RegExp, (text: string) => string | undefined])[]} */
const FORMS = [
  [/^(package|composer|package-lock|npm-shrinkwrap|packages\.lock)\.json$|^(composer|pipfile)\.lock$|^package\.resolved$/, whyNoJson],
  [/\.toml$|^(cargo|poetry|uv|pdm)\.lock$|^pipfile$/, whyNoToml],
  [/^pom\.xml$|\.(cs|fs|vb)proj$|\.props$|^packages\.config$/, whyNoXml],
  [/^go\.mod$/, (text) => (/^[ \t]*module\s/m.test(text) ? undefined : 'it names no module')],
]; // prettier-ignore

/**
 * Why a file cannot be read as what its name says; `undefined`: nothing speaks against it.
 * @param {string} path
 * @param {string} text
 */
export const whyUnreadable = (path, text) => {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  const form = FORMS.find(([pattern]) => pattern.test(name))?.[1];
  return form?.(text.replace(/^\ufeff/, ''));
};
