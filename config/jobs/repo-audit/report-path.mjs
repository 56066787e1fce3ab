/** Prints where the report goes: where it was asked for, else into the home, under the name of the repository and the run. */
import { basename, join, resolve } from 'node:path';

const [cwd = '.', home = '.', jobId = 'run', asked = ''] = process.argv.slice(2);
const name = basename(resolve(cwd))
  .replace(/[^A-Za-z0-9._-]+/g, '-')
  .replace(/^[.-]+/, '')
  .slice(0, 60);
process.stdout.write(
  `${asked === '' ? join(home, 'run', 'reports', `${name || 'repository'}-${jobId}.md`) : resolve(cwd, asked)}\n`,
);
