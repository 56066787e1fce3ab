import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveHome } from '../home.ts';
import { findJob, listJobs } from '../job/job-files.ts';
import { type InitStep, makeHome } from './make-home.ts';
import { loadSettings } from '../settings.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-init-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const init = (at = dir): readonly InitStep[] => makeHome(resolveHome({ flag: at, env: {}, cwd: '/' }));
const outcomes = (steps: readonly InitStep[]): Record<string, string> =>
  Object.fromEntries(steps.map(({ path, outcome }) => [path, outcome]));

const snapshot = (): readonly string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => {
      const stat = statSync(join(dir, path));
      return `${path} ${stat.mode} ${stat.mtimeMs} ${stat.isFile() ? readFileSync(join(dir, path), 'utf8') : ''}`;
    });

describe('makeHome', () => {
  it('makes a home that is found, whose settings load and whose job is right', async () => {
    const home = join(dir, 'not/there/yet');
    expect(new Set(Object.values(outcomes(init(home))))).toEqual(new Set(['made']));
    const found = resolveHome({ env: {}, cwd: join(home, 'config') });
    expect(found).toMatchObject({ dir: home, source: 'folder' });
    expect(loadSettings(found, {}).logs.level).toBe('info');
    expect((await findJob(found, 'hello', '/')).job.steps).toHaveLength(3);
    expect((await listJobs(found)).filter(({ source }) => source === 'home')).toHaveLength(1);
    expect(existsSync(join(home, '.gitignore'))).toBe(false); // no repository: nothing to keep git out of
  });

  it('changes nothing the second time', () => {
    mkdirSync(join(dir, '.git'));
    init();
    const before = snapshot();
    expect(new Set(Object.values(outcomes(init())))).toEqual(new Set(['there']));
    expect(snapshot()).toEqual(before);
  });

  it('leaves alone what is there: settings, jobs, schemas of another version', () => {
    mkdirSync(join(dir, 'config/jobs'), { recursive: true });
    mkdirSync(join(dir, 'config/schemas'));
    writeFileSync(join(dir, 'config/nika.yaml'), 'logs: { level: debug }\n');
    writeFileSync(join(dir, 'config/jobs/mine.yaml'), 'mine');
    writeFileSync(join(dir, 'config/schemas/job.schema.json'), '{}');
    expect(outcomes(init())).toMatchObject({
      'config/nika.yaml': 'there',
      'config/jobs': 'there',
      'config/schemas/job.schema.json': 'differs',
      'config/schemas/nika.schema.json': 'made',
    });
    expect(readFileSync(join(dir, 'config/nika.yaml'), 'utf8')).toBe('logs: { level: debug }\n');
    expect(readdirSync(join(dir, 'config/jobs'))).toEqual(['mine.yaml']);
  });

  it('adds to a .gitignore only the lines that it lacks, on lines of their own', () => {
    writeFileSync(join(dir, '.gitignore'), 'node_modules\n_bus\nlogs/');
    expect(outcomes(init())['.gitignore']).toBe('added');
    expect(readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('node_modules\n_bus\nlogs/\n/run/\n');
  });

  it('makes a .gitignore within a repository, also for a folder further down', () => {
    mkdirSync(join(dir, '.git'));
    init(join(dir, 'ops'));
    expect(readFileSync(join(dir, 'ops/.gitignore'), 'utf8')).toBe('/_bus/\n/logs/\n/run/\n');
  });

  it('says which path it cannot make', () => {
    writeFileSync(join(dir, 'config'), 'a file in the way');
    expect(() => init()).toThrow(/the home cannot be made: .*config.* \((EEXIST|ENOTDIR)\)/);
    expect(() => init('/proc/nika')).toThrow(/the home cannot be made: \/proc\/nika.* \(ENOENT\)/);
  });
});
