/**
 * Owns the stage of a test with a real agent: a home of nika, a HOME and a git workspace for the agent, the scripted model
 * that it speaks to, and its CLI on the PATH; and what is on the bus afterwards.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import type { BusLine } from '../../src/bus/line.ts';
import type { AgentKind, Permission } from '../../src/model/agent.ts';
import type { PodRecord } from '../../src/pod/registry/pod-record.ts';
import { type Ended, follow, type Running, TestHome } from '../nika.ts';
import { endPods, recordOf, running, until } from '../pods.ts';
import type { Script } from '../servers/model/script.ts';
import { ModelServer } from '../servers/model/server.ts';
import type { AgentCli } from './cli/agent-cli.ts';
import { AGENT_CLIS, binDirOf, isInstalled } from './cli/cli-cache.ts';

/** The entity of each test's pod. */
export const JOB = 'JOB-agent';

const HOW = 'run it with: npm run test:agents -- <file>';

/** @throws the agent could reach something besides this machine, and nobody said that it may */
const mustBeAlone = (): void => {
  const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  if (others.length === 0 || process.env['NIKA_TEST_AGENTS_NETWORK'] === 'open') return;
  throw new Error(`a real agent would run with the network of this machine (${others.join(', ')}); ${HOW}`);
};

const startRepository = (cwd: string, home: string): void => {
  const who = ['-c', 'user.name=A Test', '-c', 'user.email=test@localhost'];
  for (const args of [
    ['init', '-q', '-b', 'main'],
    [...who, 'commit', '-q', '--allow-empty', '-m', 'The beginning'],
  ]) {
    execFileSync('git', args, { cwd, env: { PATH: process.env['PATH'], HOME: home }, stdio: 'ignore' });
  }
};

const commandOf = (pid: number): readonly string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // gone meanwhile
  }
};

const environmentOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // gone meanwhile, or a zombie
  }
};

export class AgentHome extends TestHome implements AsyncDisposable {
  readonly cli: AgentCli;
  readonly model: ModelServer;
  /** The agent's HOME. */
  readonly user: string = join(this.dir, 'user');
  /** Of the agent, and of nika as it starts it. */
  readonly environment: Readonly<Record<string, string>>;

  private constructor(cli: AgentCli, model: ModelServer) {
    super();
    this.cli = cli;
    this.model = model;
    mkdirSync(this.user);
    this.environment = {
      PATH: [binDirOf(cli), dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
      HOME: this.user,
      ...cli.settle({ home: this.user, modelUrl: model.url }),
    };
    startRepository(this.cwd, this.user);
  }

  /**
   * `script`: may be made for the workspace, whose path is absolute.
   * @throws the CLI is not installed, or would not be alone with the scripted model
   */
  static async open(kind: AgentKind, script: Script | ((workspace: string) => Script)): Promise<AgentHome> {
    const cli = AGENT_CLIS[kind];
    if (!isInstalled(cli)) throw new Error(`${cli.program} ${cli.version} is not installed; ${HOW}`);
    mustBeAlone();
    const home = new AgentHome(cli, await ModelServer.open());
    home.model.play(typeof script === 'function' ? script(home.cwd) : script);
    return home;
  }

  /** nika, with the agent on its PATH. */
  override start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    way: readonly string[] = [],
  ): Running {
    return super.start(args, { ...this.environment, ...env }, way);
  }

  /** The job `agent`, which this agent does; `more`: lines of YAML. */
  agentJob(more = '', permission: Permission = 'full', prompt = 'Do what the script says.'): void {
    const text = `name: agent
description: An agent of a test.
domain: test
intent: prove
agent: ${this.cli.kind}
prompt: ${prompt}
permission: ${permission}
${more}
`;
    writeFileSync(join(this.dir, 'config/jobs/agent.yaml'), text);
  }

  /** The job's pod, in the foreground. */
  async runPod(...args: readonly string[]): Promise<Ended> {
    return this.nika('pod', 'start', 'agent', '--id', JOB, ...args);
  }

  /** The job's pod, in the background. */
  async startPod(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { code, stderr } = await this.start(['pod', 'start', 'agent', '-d', '--id', JOB], env).ended;
    if (code !== 0) throw new Error(`the pod did not start: ${stderr}`);
  }

  /** The pod's newest record. @throws it never began */
  get record(): PodRecord {
    const record = recordOf(this, JOB);
    if (record === undefined) throw new Error('there is no record of the pod');
    return record;
  }

  /** Resolves to its outcome and exit code. */
  async untilEnded(): Promise<NonNullable<PodRecord['end']>> {
    return until('the pod to end', () => recordOf(this, JOB)?.end ?? undefined);
  }

  /** Of the job's channel, where SUBs stand too. */
  get channel(): readonly BusLine[] {
    return this.lines(`channels/${JOB}.jsonl`);
  }

  /** The agent itself, without nika. */
  async runAlone(prompt: string): Promise<Ended> {
    const child = spawn(join(binDirOf(this.cli), this.cli.program), this.cli.argv(prompt), {
      cwd: this.cwd,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return follow(child).ended;
  }

  /** Pids of the agent: not of what it started. */
  get agentProcesses(): readonly number[] {
    const names = [this.cli.program, `${this.cli.program}.exe`, `${this.cli.program}.js`];
    return this.processes.filter((pid) =>
      commandOf(pid)
        .slice(0, 2)
        .some((word) => names.includes(basename(word))),
    );
  }

  /** Pids of what runs with the agent's HOME, or nika's. */
  get processes(): readonly number[] {
    const marks = [`HOME=${this.user}\0`, `NIKA_HOME=${this.dir}\0`];
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      const environment = `${environmentOf(name)}\0`;
      return marks.some((mark) => environment.includes(mark)) ? [Number(name)] : [];
    });
  }

  /** Pids of pods in the background. */
  get supervisors(): readonly number[] {
    const own = this.processes;
    return running('supervise-worker').filter((pid) => own.includes(pid));
  }

  /** Ends what a test that failed has left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await endPods(this);
    await this.model[Symbol.asyncDispose]();
    for (const pid of this.processes) process.kill(pid, 'SIGKILL');
    this[Symbol.dispose]();
  }
}
