import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { withMemory } from '../../src/mcp/tools/memory.ts';
import type { ToolContext } from '../../src/mcp/tool.ts';
import { RedisServer } from '../servers/redis.ts';

it('puts what an agent outside of pods gives into Redis, where it is there', async () => {
  await using redis = await RedisServer.open();
  const dir = mkdtempSync(join(tmpdir(), 'nika-mcp-memory-'));
  try {
    const env = { NIKA_REDIS_URL: redis.url, NIKA_ENTITY_ID: 'JOB-x' };
    const home = resolveHome({ flag: dir, env, cwd: dir });
    const place = { home, settings: loadSettings(home, env) };
    const context = { caller: { env }, openPlace: () => Promise.resolve(place) } as unknown as ToolContext;
    const wish = { artifact: 'a.md', value: 'aGk=', content_type: 'text/plain' };
    const put = await withMemory(context, async (ask) => await ask('wm_put', wish));
    expect(put).toMatchObject({ where: 'redis', bytes: 2 });
    expect(put.why).toBeUndefined();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
