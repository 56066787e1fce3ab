/** What is told of changes by Alpha, and hangs. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { startFeedReader } from '../../src/ipc/feed/reader/group-reader.ts';
import type { AlphaContext, ChangeListener } from '../../src/swarm/alpha/duty.ts';
import { RoleWork } from '../../src/swarm/alpha/role-work.ts';
import { SwarmView } from '../../src/swarm/alpha/swarm-view.ts';
import { SwarmSession } from '../../src/swarm/session/swarm-session.ts';
import { dispatched } from '../fixtures/dispatched.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

it('a listener that hangs is given up and told again; the others, and what comes behind, are not held up by it', async () => {
  using home = new TestHome();
  const place = resolveHome({ flag: home.dir, env: {}, cwd: home.cwd });
  const settings = loadSettings(place, {});
  await using swarm = SwarmSession.open({ home: place, settings, env: {}, kind: 'command', job: 'test' });
  const context: AlphaContext = {
    home: place,
    settings,
    env: {},
    swarm,
    view: new SwarmView(),
    link: () => Promise.resolve({ kind: 'none' }),
    mayAct: () => Promise.resolve(true),
  };
  const heard: string[] = [];
  let hung = 0;
  const told: ChangeListener = {
    name: 'told',
    role: 'orchestrator',
    onChange: ({ change }) => Promise.resolve(void heard.push(change.entity)),
  };
  const hangs: ChangeListener = {
    name: 'hangs',
    role: 'orchestrator',
    onChange: async ({ change }, _context, signal) => {
      if (change.entity !== 'JOB-first' || hung > 0) return;
      hung += 1;
      await untilAborted(signal);
    },
  };
  const failures: string[] = [];
  const work = new RoleWork({
    role: 'orchestrator',
    duties: { chores: [], listeners: [hangs, told], tasks: [] },
    context,
    ready: Promise.resolve(),
    follow: {
      busDir: place.busDir,
      stateDir: join(place.runDir, 'alpha'),
      target: undefined,
      startReader: startFeedReader,
      isAlone: true,
      group: 'orchestrator',
      consumer: 'test',
    },
    onFailure: (name, why) => failures.push(`${name}: ${why}`),
    listenerWithinMs: 200,
  });
  dispatched(home, 'JOB-first');
  dispatched(home, 'JOB-second');
  await until('both to be told', () => heard.includes('JOB-second'));
  await work.end();
  expect(heard).toEqual(['JOB-first', 'JOB-second']);
  expect(failures).toEqual(['hangs: not done within 200 ms']);
});

it('nobody is told before it is known what was before, and the end does not wait for that', async () => {
  using home = new TestHome();
  const place = resolveHome({ flag: home.dir, env: {}, cwd: home.cwd });
  const settings = loadSettings(place, {});
  await using swarm = SwarmSession.open({ home: place, settings, env: {}, kind: 'command', job: 'test' });
  const heard: string[] = [];
  const workOf = (ready: Promise<void>): RoleWork =>
    new RoleWork({
      role: 'orchestrator',
      duties: {
        chores: [],
        listeners: [
          {
            name: 'told',
            role: 'orchestrator',
            onChange: ({ change }) => Promise.resolve(void heard.push(change.entity)),
          },
        ],
        tasks: [],
      },
      context: {
        home: place,
        settings,
        env: {},
        swarm,
        view: new SwarmView(),
        link: () => Promise.resolve({ kind: 'none' }),
        mayAct: () => Promise.resolve(true),
      },
      ready,
      follow: {
        busDir: place.busDir,
        stateDir: join(place.runDir, 'alpha'),
        target: undefined,
        startReader: startFeedReader,
        isAlone: true,
        group: 'orchestrator',
        consumer: 'test',
      },
      onFailure: () => undefined,
    });
  dispatched(home, 'JOB-first');
  const first = workOf(new Promise(() => undefined));
  await until('it to follow', () => first.follower?.status.kind === 'bus');
  await delay(200); // it is not to be told: nothing to wait for
  const endedMs = performance.now();
  await first.end();
  expect(performance.now() - endedMs).toBeLessThan(1_000);
  expect(heard).toEqual([]);
  const filled = Promise.withResolvers<void>();
  await using second = { work: workOf(filled.promise), [Symbol.asyncDispose]: () => second.work.end() };
  await until('it to follow', () => second.work.follower?.status.kind === 'bus');
  filled.resolve();
  await until('it to be told', () => heard.length > 0);
  expect(heard).toEqual(['JOB-first']);
});
