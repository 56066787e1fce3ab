/** A process with the socket of a pod, at the path that is its argument, until it is killed. */
import { SocketFaults } from '../../src/pod/socket/faults.ts';
import { openPodSocket } from '../../src/pod/socket/pod-socket.ts';
import { ToldDoor } from '../fixtures/told-door.ts';

await openPodSocket({ path: process.argv[2] ?? '', door: new ToldDoor(), faults: new SocketFaults() });
process.stdout.write('listening\n');
