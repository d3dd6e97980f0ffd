/** What became of the requests of a {@link startTraffic}. */
export interface TrafficCount {
  readonly sent: number;
  readonly failed: number;
}

/** Steady traffic through a load balancer, as the users of a service make it. */
export interface Traffic {
  count(): TrafficCount;
  /** Stops, waits for what is under way, and returns the final count. */
  stop(): Promise<TrafficCount>;
}

/** Sends one request every `everyMs` (default 40) and counts those that did not end in a 2xx within 2 s. */
export function startTraffic(url: string, everyMs = 40): Traffic {
  const underway = new Set<Promise<void>>();
  let sent = 0;
  let failed = 0;

  async function send(): Promise<void> {
    sent += 1;
    try {
      const reply = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await reply.arrayBuffer();
      if (!reply.ok) failed += 1;
    } catch {
      failed += 1;
    }
  }

  const timer = setInterval(() => {
    const request = send();
    underway.add(request);
    void request.then(() => underway.delete(request));
  }, everyMs);

  return {
    count: () => ({ sent, failed }),
    async stop() {
      clearInterval(timer);
      await Promise.all(underway);
      return { sent, failed };
    },
  };
}
