import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import { type Home, resolveHome } from '../home.ts';
import { findJob, listJobs } from './job-files.ts';
import { packageRoot, readVersion } from '../package-root.ts';

let home: Home;
let jobs: string;
beforeEach(() => {
  home = resolveHome({ flag: mkdtempSync(join(tmpdir(), 'nika-jobs-')), env: {}, cwd: '/' });
  jobs = join(home.configDir, 'jobs');
  mkdirSync(jobs, { recursive: true });
});
afterEach(() => {
  rmSync(home.dir, { recursive: true, force: true });
});

const put = (file: string, name: string, more = ''): string => {
  const steps = 'steps: [{ tool: shell, input: { command: ls } }]';
  const yaml = `name: ${name}\ndescription: of ${file}\ndomain: d\nintent: i\n${more}${steps}\n`;
  const job = {
    name,
    description: `of ${file}`,
    domain: 'd',
    intent: 'i',
    steps: [{ tool: 'shell', input: { command: 'ls' } }],
  };
  writeFileSync(join(jobs, file), file.endsWith('.json') ? JSON.stringify(job) : yaml);
  return join(jobs, file);
};

const refusal = async (ref: string, cwd = '/'): Promise<string> => {
  try {
    await findJob(home, ref, cwd);
    return 'found';
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    return `${thrown.code} ${thrown.message}`;
  }
};

describe('findJob', () => {
  it('finds a job by name, .yaml before .yml before .json', async () => {
    put('a.json', 'a');
    expect((await findJob(home, 'a', '/')).job.description).toBe('of a.json');
    put('a.yml', 'a');
    const file = put('a.yaml', 'a');
    expect(await findJob(home, 'a', '/')).toMatchObject({
      name: 'a',
      file,
      source: 'home',
      job: { description: 'of a.yaml' },
    });
  });

  it('finds a file by its path, relative to the current folder, whatever the job in it is called', async () => {
    const file = put('b.yaml', 'other');
    expect(await findJob(home, './b.yaml', jobs).catch(String)).toContain('must be the name of the file: b');
    const elsewhere = join(home.dir, 'b.yaml');
    writeFileSync(
      elsewhere,
      'name: other\ndescription: x\ndomain: d\nintent: i\nsteps: [{ tool: shell, input: { command: ls } }]',
    );
    expect(await findJob(home, 'b.yaml', home.dir)).toMatchObject({
      file: elsewhere,
      source: 'path',
      job: { name: 'other' },
    });
    expect(await refusal(file)).toContain('NIKA_JOB_INVALID');
  });

  it('names the job that was probably meant, and never leaves the folder of jobs', async () => {
    put('nightly.yaml', 'nightly');
    expect(await refusal('nigthly')).toMatch(
      /^NIKA_JOB_NOT_FOUND no job "nigthly"; did you mean "nightly"\? Looked in /,
    );
    expect(await refusal('nothing-like-it')).toMatch(/^NIKA_JOB_NOT_FOUND no job "nothing-like-it"\. Looked in /);
    expect(await refusal('../x')).toBe('NIKA_JOB_NOT_FOUND there is no file /x');
    expect(await refusal('..')).toMatch(/^NIKA_JOB_NOT_FOUND/);
  });

  it('tells all that is wrong with a broken one, by file and line', async () => {
    const file = put('c.yaml', 'c', 'timout: 3s\ntimeout: 3\n');
    expect(await refusal('c')).toBe(
      `NIKA_JOB_INVALID 2 mistakes:\n  ${file}:5:1: timout: unknown field; did you mean "timeout"?\n  ${file}:6:10: timeout: must be a duration such as 30s, 10m, 1h30m or 250ms (with its unit)`,
    );
  });
});

it('says at once that a file’s name cannot be that of a job, not that the job should be called so', async () => {
  const file = put('my job.yaml', 'my-job');
  expect(await refusal('my job')).toBe(
    `NIKA_JOB_INVALID ${file}: the name of the file cannot be that of a job, which must be 1 to 64 letters, digits or . _ - and begin with a letter or digit; rename it`,
  );
});

describe('listJobs', () => {
  it('lists broken and hidden jobs too, and takes nothing else for a job', async () => {
    put('good.yaml', 'good');
    const hiding = put('twice.yaml', 'twice');
    put('twice.json', 'twice');
    writeFileSync(join(jobs, 'broken.yaml'), 'a: [');
    mkdirSync(join(jobs, 'folder.yaml'));
    writeFileSync(join(jobs, 'README.md'), '#');
    const own = (await listJobs(home)).filter(({ source }) => source === 'home');
    expect(own.map(({ name, shadowedBy, outcome }) => [name, outcome.ok, shadowedBy])).toEqual([
      ['broken', false, undefined],
      ['folder', false, undefined],
      ['good', true, undefined],
      ['twice', true, undefined],
      ['twice', true, hiding],
    ]);
  });

  it('has the jobs that nika ships, all of them right, and hides one behind the same name in the home', async () => {
    const shipped = (await listJobs(home)).filter(({ source }) => source === 'shipped');
    for (const { file, outcome } of shipped) expect({ file, ...outcome }).toMatchObject({ ok: true });
    const [first] = shipped;
    if (first === undefined) return;
    const hiding = put(`${first.name}.yaml`, first.name);
    const again = (await listJobs(home)).find(({ file }) => file === first.file);
    expect(again?.shadowedBy).toBe(hiding);
    expect((await findJob(home, first.name, '/')).source).toBe('home');
  });

  it('gives none where there is no folder of jobs', async () => {
    rmSync(jobs, { recursive: true });
    expect((await listJobs(home)).filter(({ source }) => source === 'home')).toEqual([]);
  });
});

describe('packageRoot', () => {
  it('is the folder with the package.json of nika', () => {
    expect(packageRoot()).toBe(join(import.meta.dirname, '../../..'));
    expect(readVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});
