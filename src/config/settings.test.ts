import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NikaError } from '../model/error.ts';
import { type Home, resolveHome } from './home.ts';
import { listSettings } from './init/setting-list.ts';
import { loadSettings, settingsSchema } from './settings.ts';
import { settingsTemplate } from './init/settings-template.ts';

let home: Home;
let file: string;
beforeEach(() => {
  home = resolveHome({ flag: mkdtempSync(join(tmpdir(), 'nika-settings-')), env: {}, cwd: '/' });
  mkdirSync(home.configDir);
  file = join(home.configDir, 'nika.yaml');
});
afterEach(() => {
  rmSync(home.dir, { recursive: true, force: true });
});

const load = (text: string, env: Record<string, string> = {}) => {
  writeFileSync(file, text);
  return loadSettings(home, env);
};

const problemsOf = (text: string, env: Record<string, string> = {}): readonly string[] => {
  try {
    load(text, env);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof NikaError) || thrown.code !== 'NIKA_CONFIG_INVALID') throw thrown;
    return thrown.message
      .replaceAll(file, 'nika.yaml')
      .split('\n')
      .map((line) => line.trim());
  }
};

const DEFAULTS = {
  bus: { segmentBytes: 67_108_864, archiveAfterDays: 7, backlog: { maxCount: 10_000, maxBytes: 16_777_216 } },
  recorder: { maxBodyBytes: 1_048_576, redact: [] },
  logs: { level: 'info', maxBytesPerPod: 104_857_600, maxBytesTotal: 2_147_483_648 },
  disk: { warnFreePercent: 5, noBlobsFreePercent: 2.5 },
  limits: { pods: 200, perDay: {} },
  projects: {},
  prices: {},
  pods: { cgroup: true, keepEnded: 500 },
  alpha: {
    autonomy: { jobs: [], probability: 0.03, seed: 'nika', cooldownMs: 600_000, perDay: 20, maxRunning: 20, chain: 0 },
  },
  mcp: { inAgents: true, maxDepth: 3, maxChildren: 10, maxAnswerChars: 4_000 },
  worktrees: { keep: 'changed', timeoutMs: 300_000 },
  redis: { kind: 'off' },
  qdrant: { kind: 'off', collection: 'nika_memory' },
  memory: { keep: {} },
  swarm: { leaseS: 30, worker: { concurrency: 4, graceMs: 60_000 }, capabilities: {}, chainDepth: 10 },
  hooks: { pre: [], post: [], failure: [] },
  policy: { default: 'allow', deny: [], ask: [], allow: [] },
  agents: { silentAfterMs: 600_000 },
  notify: [],
};

describe('loadSettings', () => {
  it('gives every default where there is no file, an empty one, or one of comments and empty sections', () => {
    expect(loadSettings(home, {})).toEqual(DEFAULTS);
    for (const text of ['', '# nothing\n', 'bus:\n  # segmentBytes: 1MiB\n  backlog:\nlogs:\n'])
      expect(load(text)).toEqual(DEFAULTS);
  });

  it('takes a folder for worktrees relative to the home', () => {
    expect(load('worktrees: { dir: trees, timeout: 10s }').worktrees).toEqual({
      dir: join(home.dir, 'trees'),
      keep: 'changed',
      timeoutMs: 10_000,
    });
    expect(load('', { NIKA_WORKTREES_DIR: '/var/tmp/trees' }).worktrees.dir).toBe('/var/tmp/trees');
  });

  it('takes sizes and durations as people write them, and a key file relative to the home', () => {
    const text =
      'bus: { keyFile: config/bus.key, segmentBytes: 1MB, backlog: { maxBytes: 65536 } }\nlimits: { wall: 1h30m, toolCalls: 9 }';
    const settings = load(text);
    expect(settings.bus).toEqual({
      keyFile: join(home.dir, 'config/bus.key'),
      segmentBytes: 1_000_000,
      archiveAfterDays: 7,
      backlog: { maxCount: 10_000, maxBytes: 65_536 },
    });
    expect(settings.limits).toEqual({ pods: 200, perDay: {}, toolCalls: 9, wallMs: 5_400_000 });
    expect(load('bus: { keyFile: /etc/bus.key }').bus.keyFile).toBe('/etc/bus.key');
  });

  it('takes budgets of a day and of projects, and prices', () => {
    const text = [
      'limits: { costUsd: 2.5, perDay: { costUsd: 20, wall: 40d } }',
      'projects: { PROJ-x: { limits: { tokens: 1000 } } }',
      'prices: { my-model*: { input: 1, output: 2, long: { above: 10, input: 2, output: 4 } } }',
    ].join('\n');
    const { limits, projects, prices } = load(text, { NIKA_LIMITS_PER_DAY_TOKENS: '7' });
    expect(limits).toMatchObject({ costUsd: 2.5, perDay: { costUsd: 20, tokens: 7, wallMs: 40 * 864e5 } });
    expect(projects['PROJ-x']?.limits).toEqual({ tokens: 1000 });
    expect(prices['my-model*']).toEqual({ input: 1, output: 2, long: { above: 10, input: 2, output: 4 } });
    const wrong = 'projects: { x: {} }\nlimits: { perDay: { costUsd: 0 } }\nprices: { a: { input: -1 } }';
    expect(problemsOf(wrong)).toEqual([
      '4 mistakes:',
      'nika.yaml:1:13: projects.x: the name must be like PROJ-hooks-refactor',
      'nika.yaml:2:30: limits.perDay.costUsd: must be more than 0; this is 0',
      'nika.yaml:3:14: prices.a.output: is missing; must be a number',
      'nika.yaml:3:23: prices.a.input: must be at least 0; this is -1',
    ]);
  });

  it('cannot be changed by anybody afterwards, all the way down', () => {
    const { bus } = load('');
    expect(() => Object.assign(bus.backlog, { maxCount: 1 })).toThrow(TypeError);
  });

  it('tells all mistakes at once, each with file, line, column, field, and what would be right', () => {
    const text = [
      'bus:',
      '  segmentByte: 1MiB',
      '  archiveAfterDays: soon',
      'recorder:',
      '  maxBodyBytes: 1kB',
      '  redact: [{ name: a b, pattern: "(" }, { name: x, pattern: "a*" }]',
      'logs: { level: inof }',
      'radis: { url: x }',
    ].join('\n');
    const problems = problemsOf(text);
    expect(problems[0]).toBe('8 mistakes:');
    expect(problems.slice(1)).toEqual([
      'nika.yaml:2:3: bus.segmentByte: unknown field; did you mean "segmentBytes"?',
      'nika.yaml:3:21: bus.archiveAfterDays: must be a number, not "soon"',
      'nika.yaml:5:17: recorder.maxBodyBytes: must be from 1KiB to 64MiB; this is 1000B',
      'nika.yaml:6:20: recorder.redact[0].name: must be 1 to 40 letters, digits, - or _',
      expect.stringMatching(
        /^nika\.yaml:6:34: recorder\.redact\[0\]\.pattern: must be a regular expression of JavaScript \(.*Unterminated group\)$/,
      ),
      'nika.yaml:6:61: recorder.redact[1].pattern: must not match the empty text: it would redact everywhere',
      'nika.yaml:7:16: logs.level: must not be "inof"; did you mean "info"?',
      'nika.yaml:8:1: radis: unknown field; did you mean "redis"?',
    ]);
  });

  it('takes the environment before the file, and names the variable that is wrong', () => {
    const settings = load('bus: { segmentBytes: 1MiB }', {
      NIKA_BUS_SEGMENT_BYTES: '2MiB',
      NIKA_BUS_BACKLOG_MAX_COUNT: '5',
      NIKA_LOGS_LEVEL: 'debug',
      NIKA_LIMITS_WALL: '30s',
      NIKA_PODS_CGROUP: 'false',
      NIKA_DISK_WARN_FREE_PERCENT: '',
      NIKA_SOMETHING_ELSE: 'x',
    });
    expect([settings.bus.segmentBytes, settings.bus.backlog.maxCount, settings.logs.level]).toEqual([
      2_097_152,
      5,
      'debug',
    ]);
    expect([settings.limits.wallMs, settings.disk.warnFreePercent]).toEqual([30_000, 5]);
    expect(settings.pods.cgroup).toBe(false);
    expect(problemsOf('', { NIKA_LOGS_LEVEL: 'loud' })).toEqual([
      'environment variable NIKA_LOGS_LEVEL: logs.level: must not be "loud"; known: debug, info, warn, error, silent',
    ]);
  });

  it('tells a file that holds something else altogether', () => {
    expect(problemsOf('- a\n- b')).toEqual(['nika.yaml:1:1: must be fields by name, not a list']);
    expect(problemsOf('bus: [')).toEqual([expect.stringMatching(/^nika\.yaml:1:\d+: not YAML: /)]);
  });
});

describe('settingsTemplate', () => {
  it('is valid as it is made, and gives the defaults also with every default uncommented', () => {
    expect(load(settingsTemplate())).toEqual(DEFAULTS);
    const alternatives = /^ *# (ca|cert|key|sentinels|name|sentinelUser|sentinelPassword|nodes|apiKey): /; // not with each other
    const uncommented = settingsTemplate()
      .split('\n')
      .map((line) => (alternatives.test(line) ? line : line.replace(/^( *)# (\w+: \S+)$/, '$1$2')))
      .join('\n');
    const { keyFile: _, ...bus } = load(uncommented).bus;
    expect(bus).toEqual(DEFAULTS.bus);
    expect(load(uncommented).limits).toEqual({
      pods: 200,
      toolCalls: 500,
      costUsd: 5,
      tokens: 10_000_000,
      wallMs: 7_200_000,
      perDay: { costUsd: 20, tokens: 50_000_000, toolCalls: 5_000, wallMs: 86_400_000 },
    });
  });

  it('knows every setting, each with a description', () => {
    for (const { path, description } of listSettings(settingsSchema)) {
      expect(settingsTemplate()).toContain(`# ${path.at(-1)}:`);
      expect(description.length).toBeGreaterThan(5);
    }
  });
});
