import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import { type Home, resolveHome } from '../home.ts';
import { loadSettings } from '../settings.ts';

const PASSWORD = 'hunter2-s3cr3t';

let home: Home;
beforeEach(() => {
  home = resolveHome({ flag: mkdtempSync(join(tmpdir(), 'nika-redis-settings-')), env: {}, cwd: '/' });
  mkdirSync(home.configDir);
});
afterEach(() => {
  rmSync(home.dir, { recursive: true, force: true });
});

const load = (redis: string, env: Record<string, string> = {}) => {
  writeFileSync(join(home.configDir, 'nika.yaml'), redis === '' ? '' : `redis:\n${redis}\n`);
  return loadSettings(home, env).redis;
};
const fromUrl = (url: string) => load('', { NIKA_REDIS_URL: url });

const problemsOf = (redis: string, env: Record<string, string> = {}): readonly string[] => {
  try {
    load(redis, env);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    expect(inspect(thrown, { depth: 9, showHidden: true })).not.toContain('s3cr3t');
    const lines = thrown.message.replaceAll(`${home.configDir}/`, '').replaceAll(`${home.dir}/`, '').split('\n');
    return lines.length === 1 ? lines : lines.slice(1).map((line) => line.trim());
  }
};

describe('redis: settings', () => {
  it('is off while nothing names a Redis, also with an empty section', () => {
    expect(load('')).toEqual({ kind: 'off' });
    expect(load('  # url: redis://127.0.0.1:6379')).toEqual({ kind: 'off' });
    expect(load('  cluster: false')).toEqual({ kind: 'off' });
  });

  it.each([
    ['redis://127.0.0.1', { at: { kind: 'tcp', host: '127.0.0.1', port: 6379 }, db: 0, prefix: '' }],
    ['redis://r.example:7000/3', { at: { kind: 'tcp', host: 'r.example', port: 7000 }, db: 3 }],
    ['redis://[::1]:7000/', { at: { kind: 'tcp', host: '::1', port: 7000 }, db: 0 }],
    ['rediss://nika@r.example', { at: { kind: 'tcp', host: 'r.example' }, user: 'nika', tls: {} }],
    ['/run/redis.sock', { at: { kind: 'unix', path: '/run/redis.sock' }, db: 0 }],
    ['unix:///run/redis.sock?db=4', { at: { kind: 'unix', path: '/run/redis.sock' }, db: 4 }],
  ])('takes %s', (url, wanted) => {
    expect(fromUrl(url)).toMatchObject({ kind: 'on', ...wanted });
  });

  it.each([
    [`redis://nika:${PASSWORD}@h`, 'nika', PASSWORD],
    [`redis://:${PASSWORD}@h:1/2`, undefined, PASSWORD],
    ['redis://:p%40s%3A%2F%23%3F%25s3cr3t@h', undefined, 'p@s:/#?%s3cr3t'],
    [`unix://nika:${PASSWORD}@/run/r.sock`, 'nika', PASSWORD],
  ])('takes user and password out of the url: case %#', (url, user, password) => {
    const settings = fromUrl(url);
    if (settings.kind === 'off') throw new Error('must be on');
    expect([settings.user, settings.password?.reveal()]).toEqual([user, password]);
  });

  it('never shows a password, however the settings are printed', () => {
    const settings = load(
      `  url: redis://nika:${PASSWORD}@h\n  sentinels: [a]\n  name: m\n  sentinelPassword: ${PASSWORD}`,
    );
    const shown = [
      JSON.stringify(settings),
      inspect(settings, { depth: 9, showHidden: true }),
      settings.kind === 'on' ? String(settings.password) : '',
    ];
    expect(shown.join('\n')).not.toContain('s3cr3t');
    expect(shown[0]).toContain('[secret]');
    expect(() => JSON.stringify(structuredClone(settings))).not.toThrow();
    expect(JSON.stringify(structuredClone(settings))).not.toContain('s3cr3t');
  });

  it.each([
    `http://nika:${PASSWORD}@h`,
    `redis://nika:${PASSWORD}@`,
    `redis://nika:${PASSWORD}@h:99999`,
    `redis://nika:${PASSWORD}@h/x`,
    `redis://nika:${PASSWORD}@h/-1`,
    `redis://nika:${PASSWORD}@h?password=${PASSWORD}`,
    `redis://nika:a/${PASSWORD}@h`,
    `redis://nika:7#${PASSWORD}@h`,
    `redis://nika:7?${PASSWORD}@h`,
    `redis://nika:%${PASSWORD}@h`,
    `unix://nika:${PASSWORD}@/run/r.sock?db=x`,
    PASSWORD,
  ])('refuses what is no url, by variable and field, and repeats nothing of it: case %#', (url) => {
    const [message = '', ...more] = problemsOf('', { NIKA_REDIS_URL: url });
    expect(more).toEqual([]);
    expect(message).toMatch(/^environment variable NIKA_REDIS_URL: redis\.url: /);
  });

  it('tells where in the file the mistake stands, and repeats nothing of what may hold a password', () => {
    expect(problemsOf(`  url: http://:${PASSWORD}@h`)).toEqual([
      expect.stringMatching(/^nika\.yaml:2:8: redis\.url: must be redis:\/\/host:port/),
    ]);
    expect(problemsOf(`  url: [redis://:${PASSWORD}@h]`)).toEqual([
      'nika.yaml:2:8: redis.url: must be text such as redis://127.0.0.1:6379',
    ]);
    expect(problemsOf(`  redis://:${PASSWORD}@h`)).toEqual([
      'nika.yaml:2:3: redis: must be fields by name, such as "url: redis://…"',
    ]);
    expect(problemsOf(`  pasword: ${PASSWORD}`)).toHaveLength(1);
    expect(problemsOf(`  cluster: ${PASSWORD}`)).toEqual(['nika.yaml:2:12: redis.cluster: must be true or false']);
    expect(problemsOf(`  url: "redis://:${PASSWORD}@h\n`)).toHaveLength(1);
    expect(problemsOf(`  url: redis://:a: ${PASSWORD}@h`)).toHaveLength(1);
  });

  it('takes Sentinels and Cluster nodes, in the environment as text with commas', () => {
    expect(
      load('  url: redis://nika@ignored/1\n  sentinels: [10.0.0.1, "[::1]:7000"]\n  name: mymaster'),
    ).toMatchObject({
      at: {
        kind: 'sentinel',
        sentinels: [
          { host: '10.0.0.1', port: 26_379 },
          { host: '::1', port: 7000 },
        ],
        name: 'mymaster',
      },
      user: 'nika',
      db: 1,
    });
    const env = { NIKA_REDIS_URL: 'redis://a:1', NIKA_REDIS_CLUSTER: 'true', NIKA_REDIS_NODES: 'b:2, c' };
    expect(load('', env)).toMatchObject({
      at: {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
          { host: 'c', port: 6379 },
        ],
      },
    });
    expect(load('', { NIKA_REDIS_SENTINELS: 'a,b:1', NIKA_REDIS_NAME: '7' })).toMatchObject({
      at: { name: '7' },
      db: 0,
    });
  });

  it('puts the prefix and a colon before every key', () => {
    expect(load('  url: redis://h\n  prefix: team-a')).toMatchObject({ prefix: 'team-a:' });
  });

  it('keeps a prefix without a url, for the Redis that nika up starts', () => {
    expect(load('  prefix: team-a')).toEqual({ kind: 'off', prefix: 'team-a:' });
    expect(load('', { NIKA_REDIS_PREFIX: 'team-a' })).toEqual({ kind: 'off', prefix: 'team-a:' });
  });

  it.each([
    ['  name: t', 'nika.yaml:2:9: redis.name: has no meaning without "url"'],
    [
      '  cluster: true',
      'nika.yaml:2:12: redis.cluster: has no meaning without "url", which names a node of the Cluster',
    ],
    ['  url: redis://h\n  name: x', 'nika.yaml:3:9: redis.name: has no meaning without "sentinels"'],
    ['  sentinels: [a]', 'nika.yaml:2:14: redis.sentinels: needs "name": what the Sentinels call the Redis to use'],
    ['  url: redis://h/1\n  cluster: true', 'nika.yaml:2:8: redis.url: a Cluster has only the database 0'],
    [
      '  url: /r.sock\n  cluster: true',
      'nika.yaml:3:12: redis.cluster: a Cluster has no Unix socket: name a host and a port',
    ],
    ['  url: redis://h\n  nodes: [a]', 'nika.yaml:3:10: redis.nodes: has no meaning without "cluster: true"'],
    ['  url: redis://h\n  nodes: ["a b"]', expect.stringMatching(/^nika\.yaml:3:10: redis\.nodes: must be hosts/)],
    ['  url: redis://h\n  prefix: "a b"', expect.stringMatching(/^nika\.yaml:3:11: redis\.prefix: must be 1 to 40/)],
    [
      '  url: redis://h\n  ca: x.pem',
      'nika.yaml:3:7: redis.ca: has no meaning without TLS: the url must begin with rediss://',
    ],
    ['  url: rediss://h\n  ca: x.pem', 'nika.yaml:3:7: redis.ca: x.pem cannot be read: it is not there'],
    ['  url: rediss://h\n  key: x.pem', 'nika.yaml:3:8: redis.key: needs "cert", the certificate of that key'],
  ])('tells what does not go together: case %#', (text, wanted) => {
    expect(problemsOf(text)).toEqual([wanted]);
  });

  it('takes certificates relative to the home, and tells one that is none', () => {
    writeFileSync(join(home.dir, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n');
    expect(load('  url: rediss://h\n  ca: ca.pem')).toMatchObject({ tls: { ca: join(home.dir, 'ca.pem') } });
    writeFileSync(join(home.dir, 'ca.pem'), 'nothing');
    expect(problemsOf('', { NIKA_REDIS_URL: 'rediss://h', NIKA_REDIS_CA: 'ca.pem' })).toEqual([
      'environment variable NIKA_REDIS_CA: redis.ca: ca.pem holds no certificate in PEM form',
    ]);
  });
});
