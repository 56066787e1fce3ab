/**
 * Prints where the report goes: where it was asked for, into the folder that was asked for, else into the home; without a
 * name of its own under that of the repository and the run.
 */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const [cwd = '.', home = '.', jobId = 'run', asked = ''] = process.argv.slice(2);
const stem = basename(resolve(cwd))
  .replace(/[^A-Za-z0-9._-]+/g, '-')
  .replace(/^[.-]+/, '')
  .slice(0, 60);
const name = `${stem || 'repository'}-${jobId}.md`;

/** @param {string} path */
const isFolder = (path) =>
  /(^|[/\\])\.{0,2}$/.test(asked) || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** @param {string} path */
const placeAt = (path) => {
  try {
    return isFolder(path) ? join(path, name) : path;
  } catch {
    return path; // what cannot be looked at cannot be written either, and then it is said why
  }
};

process.stdout.write(`${asked === '' ? join(home, 'run', 'reports', name) : placeAt(resolve(cwd, asked))}\n`);
