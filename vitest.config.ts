import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest, begun first: else one of them runs alone at the end. */
const LONGEST = [
  'agents/opencode.test.ts',
  'agents/model-server.test.ts',
  'agents/claude.test.ts',
  'integration/workers.test.ts',
  'integration/pod-ends.test.ts',
  'chaos/worktree-faults.test.ts',
  'integration/budgets.test.ts',
  'integration/notify.test.ts',
  'integration/pod-programs.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.some((file) => moduleId.endsWith(file));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** Tests of how much time or memory something takes of its own process. */
const MEASURED = ['src/pod/tools/shell.test.ts', 'src/recorder/redact/redact-speed.test.ts'];

/**
 * unit: beside the source, no network; many files in one process. measured: some of these in a process each, one at a time. integration: real processes and files. chaos: real faults.
 * agents: the real CLIs of agents with a scripted model, started by scripts/test-agents.ts; not part of `npm test`.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
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
