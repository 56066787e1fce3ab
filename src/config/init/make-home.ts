/**
 * Owns the making of a home by `nika init`: commented settings, schemas for editors, a first job, lines in `.gitignore`.
 *
 * N1. What is there is never changed, a `.gitignore` only added to; so a second run changes nothing.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import { makeFolder } from '../../failopen/make-folder.ts';
import { ensureHome, type Home } from '../home.ts';
import { packageRoot } from '../package-root.ts';
import { settingsTemplate } from './settings-template.ts';

export interface InitStep {
  /** Relative to the home. */
  readonly path: string;
  /** `differs`: it is there and not as nika would make it now; left as it is. */
  readonly outcome: 'made' | 'added' | 'there' | 'differs';
  readonly note: string;
}

const IGNORED = ['_bus', 'logs', 'run'] as const;
const SCHEMAS = ['nika.schema.json', 'job.schema.json'] as const;

const FIRST_JOB = `# yaml-language-server: $schema=../schemas/job.schema.json
#
# A first job; it changes nothing. Start it:  nika pod start hello --input name=Ada
name: hello
description: Greets, looks at the folder it is started in, and says what it found.
domain: examples
intent: greet

inputs:
  name: { type: string, default: world, description: Whom to greet. }

timeout: 1m

steps:
  # argv: a program and its arguments, no shell in between. \${{ nika.node }} is the Node that runs nika.
  - id: greet
    name: say hello
    tool: shell
    input:
      argv: ['\${{ nika.node }}', -p, '"Hello, " + process.argv[1] + "!"', --, '\${{ inputs.name }}']

  # Steps of the same task stand together in "nika tree".
  - id: files
    task: look around
    tool: list_files
    input: { glob: ['*', 'config/**'] }

  # A text that is one \${{ … }} keeps its type; within other text a value becomes text.
  - name: say what was found
    task: look around
    if: steps.files.output.length > 0
    tool: shell
    input:
      command: echo \${{ steps.files.output.length }} files, the first is \${{ steps.files.output[0] }}

outputs:
  greeting: \${{ steps.greet.output }}
  files: \${{ steps.files.output.length }}
`;

const isInGit = (dir: string): boolean => {
  for (let at = dir; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return true;
    if (at === dirname(at)) return false;
  }
};

class HomeMaker {
  readonly steps: InitStep[] = [];
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
  }

  #tell(path: string, outcome: InitStep['outcome'], note: string): void {
    this.steps.push({ path, outcome, note });
  }

  /** Writes a file where there is none (N1). */
  file(path: string, text: string, note: string): void {
    const full = join(this.#home.dir, path);
    makeFolder(dirname(full));
    try {
      writeFileSync(full, text, { flag: 'wx' });
      this.#tell(path, 'made', note);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'EEXIST') throw thrown;
      this.#tell(path, 'there', note);
    }
  }

  schemas(): void {
    for (const name of SCHEMAS) {
      const path = join('config', 'schemas', name);
      const text = readFileSync(join(packageRoot(), path), 'utf8');
      this.file(path, text, 'for editors: completion and checks');
      const step = this.steps.at(-1);
      if (step?.outcome !== 'there' || readFileSync(join(this.#home.dir, path), 'utf8') === text) continue;
      this.steps[this.steps.length - 1] = {
        path,
        outcome: 'differs',
        note: 'of another version of nika; remove it to get the new one',
      };
    }
  }

  /** The first job, unless there are jobs already. */
  firstJob(): void {
    const dir = join(this.#home.configDir, 'jobs');
    const jobs = existsSync(dir) ? readdirSync(dir) : [];
    if (jobs.length === 0) this.file(join('config', 'jobs', 'hello.yaml'), FIRST_JOB, 'a first job');
    else this.#tell(join('config', 'jobs'), 'there', jobs.length === 1 ? '1 file' : `${jobs.length} files`);
  }

  /** Lines for what must not be committed, where git is used. */
  ignoreLines(): void {
    const path = join(this.#home.dir, '.gitignore');
    const isThere = existsSync(path);
    if (!isThere && !isInGit(this.#home.dir)) return;
    const text = isThere ? readFileSync(path, 'utf8') : '';
    const present = new Set(text.split(/\r?\n/).map((line) => line.trim().replaceAll(/^\/|\/$/g, '')));
    const missing = IGNORED.filter((name) => !present.has(name));
    if (missing.length === 0) return this.#tell('.gitignore', 'there', 'leaves out _bus/, logs/ and run/');
    const lines = missing.map((name) => `/${name}/\n`).join('');
    appendFileSync(path, text === '' || text.endsWith('\n') ? lines : `\n${lines}`);
    this.#tell('.gitignore', isThere ? 'added' : 'made', missing.map((name) => `/${name}/`).join(' '));
  }

  folders(): void {
    const before = IGNORED.map((name) => existsSync(join(this.#home.dir, name)));
    const [gap] = ensureHome(this.#home);
    if (gap !== undefined) throw Object.assign(new Error(`${gap.path}: ${gap.why}`), { code: gap.why, path: gap.path });
    const notes = { _bus: 'the bus: what happened', logs: "nika's own logs", run: 'which pods run' };
    for (const [at, name] of IGNORED.entries())
      this.#tell(`${name}/`, before[at] === true ? 'there' : 'made', notes[name]);
  }
}

const failed = (home: Home, thrown: unknown): NikaError => {
  const path = thrown instanceof Error && 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : home.dir;
  const message = `the home cannot be made: ${path} (${errnoOf(thrown) ?? errorMessage(thrown)})`;
  return new NikaError('NIKA_CONFIG_NO_HOME', message, {
    subject: path,
    remedy: 'Choose a folder that you may write to: nika init --home DIR.',
    cause: thrown,
  });
};

/**
 * Makes what a home has and `home.dir` has not yet (N1).
 * @throws {NikaError} `NIKA_CONFIG_NO_HOME` if something cannot be made; what was made before stays.
 */
export const makeHome = (home: Home): readonly InitStep[] => {
  const maker = new HomeMaker(home);
  try {
    maker.file(join('config', 'nika.yaml'), settingsTemplate(), 'the settings, with their defaults as comments');
    maker.schemas();
    maker.firstJob();
    maker.ignoreLines();
    maker.folders();
  } catch (thrown) {
    throw failed(home, thrown);
  }
  return maker.steps;
};
