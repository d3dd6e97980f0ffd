declare module 'kinesalite' {
  import type { Server } from 'node:http';

  export default function kinesalite(options?: {
    /** Folder of the database; in memory without it. */
    path?: string;
    createStreamMs?: number;
    deleteStreamMs?: number;
    updateStreamMs?: number;
    shardLimit?: number;
  }): Server;
}
