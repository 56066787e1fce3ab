/** Owns the working memory of one pod while it runs: who is asked, what is kept, what was not. */
import { tryLock } from '../../bus/segments.ts';
import { Contracts } from '../../ipc/contracts/contracts.ts';
import { HomeContracts } from '../../ipc/contracts/home-contracts.ts';
import { HomeMemory } from '../../ipc/working-memory/home-memory.ts';
import { WorkingMemory } from '../../ipc/working-memory/working-memory.ts';
import type { Home } from '../../config/home.ts';
import type { PodEntity } from '../entity.ts';
import type { Session } from '../session.ts';
import { createContractDesk } from './contract-desk.ts';
import { createMemoryDesk, type MemoryHandlers } from './memory-desk.ts';
import { MemoryKeeper } from './memory-keeper.ts';

export interface PodMemoryOptions {
  readonly home: Home;
  readonly session: Session;
  readonly entity: PodEntity;
}

export class PodMemory implements AsyncDisposable {
  readonly handlers: MemoryHandlers;
  readonly #keeper: MemoryKeeper;

  constructor({ home: { runDir }, session, entity }: PodMemoryOptions) {
    const home = new HomeMemory({ runDir, tryLock });
    const way = (signal?: AbortSignal): ReturnType<Session['link']['get']> => session.link.get(signal);
    const memory = new WorkingMemory({ way, home });
    const homeContracts = new HomeContracts({ runDir, tryLock });
    const contracts = new Contracts({ way, home: homeContracts });
    const job = entity.id;
    const root = entity.meta.root_id;
    const note = (text: string): void => entity.record('note', { text });
    this.handlers = {
      ...createMemoryDesk({ memory, session: session.id, job, root, note }),
      ...createContractDesk({ contracts, session: session.id, entity: job, job, root, note }),
    };
    this.#keeper = new MemoryKeeper({ home, memory, homeContracts, contracts, job, way });
    session.countDrops(() => ({ artifacts_without_copy: memory.uncopiedCount }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper[Symbol.asyncDispose]();
  }
}
