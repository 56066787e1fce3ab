import { defineConfig } from 'vitest/config';

/**
 * unit: beside the source, no network. integration: real processes and files. chaos: real faults, one at a time.
 * agents: the real CLIs of agents with a scripted model, started by scripts/test-agents.ts; not part of `npm test`.
 */
export default defineConfig({
  test: {
    maxWorkers: 2, // each starts real processes; more of them at once only make each other wait
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          testTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
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
