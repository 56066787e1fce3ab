import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from './package-root.ts';

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly command?: readonly string[];
        readonly ports: readonly string[];
        readonly volumes: readonly string[];
        readonly environment: Readonly<Record<string, string>>;
        readonly healthcheck: { readonly test: readonly string[] };
      }
    >
  >;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = readFileSync(join(packageRoot(), 'config/compose.yaml'), 'utf8');
const compose = parse(text) as Compose;

it('the compose file publishes its services on this machine alone, each with a health check and a volume that stays', () => {
  expect(Object.keys(compose.services)).toEqual(['redis', 'qdrant']);
  for (const [name, { image, ports, volumes, healthcheck }] of Object.entries(compose.services)) {
    expect(image).toMatch(/:v?\d/); // never "latest"
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(volumes.some((volume) => volume.startsWith(`${name}:/`))).toBe(true);
    expect(compose.volumes).toHaveProperty(name);
    expect(healthcheck.test.length).toBe(2);
  }
});

it('the compose file does not start without passwords, and gives them in no argument', () => {
  const secrets = text.match(/\$\{[^}]+\}/g) ?? [];
  expect(secrets.length).toBe(3);
  for (const secret of secrets) expect(secret).toMatch(/^\$\{NIKA_(REDIS_PASSWORD|QDRANT_KEY):\?/);
  expect(compose.services['redis']?.command).toEqual(['redis-server', '/etc/nika-redis.conf']);
  expect(compose.configs['redis']?.content).toMatch(/^requirepass \$\{NIKA_REDIS_PASSWORD/);
});

it('the compose file names a file of users that the package has, and says what must become of the user "default"', () => {
  const file = /^ +# - \.\/(\S+):(\S+):ro$/m.exec(text);
  expect(readFileSync(join(packageRoot(), 'config', file?.[1] ?? ''), 'utf8')).toMatch(/^user nika on resetpass /);
  expect(text).toContain(`# aclfile ${file?.[2]}\n`);
  expect(text).toContain('user default on resetpass >$NIKA_REDIS_PASSWORD resetkeys resetchannels -@all +ping');
});

it('the compose file keeps what is written, and lets Redis throw nothing away', () => {
  const lines = compose.configs['redis']?.content.split('\n') ?? [];
  expect(lines).toEqual(expect.arrayContaining(['appendonly yes', 'maxmemory-policy noeviction', 'dir /data']));
});
