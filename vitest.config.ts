import { defineConfig } from 'vitest/config';

/** Tests of how much time or memory something takes of its own process. */
const MEASURED = ['src/pod/tools/shell.test.ts', 'src/recorder/redact/redact-speed.test.ts'];

/**
 * unit: beside the source, no network; many files in one process. measured: some of these in a process each, one at a time. integration: real processes and files. chaos: real faults.
 * agents: the real CLIs of agents with a scripted model, started by scripts/test-agents.ts; not part of `npm test`.
 */
export default defineConfig({
  test: {
    maxWorkers: 3, // on two cores: most tests wait for processes, timers and graces half of their time
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          exclude: MEASURED,
          testTimeout: 30_000,
          isolate: false, // to load the sources again for each file takes as long as the tests
        },
      },
      {
        test: {
          name: 'measured',
          include: MEASURED,
          testTimeout: 30_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'agents',
          include: ['test/agents/**/*.test.ts'],
          testTimeout: 120_000,
          sequence: { groupOrder: 2 },
          maxWorkers: 2, // each of them runs an agent, a pod and a model
        },
      },
    ],
  },
});
