/** One configuration document, before parsing. */
export interface ConfigDocument {
  readonly kind: 'rule' | 'profile' | 'service' | 'workflow' | 'settings';
  /** Path for messages (`rules/host-down.yaml`). */
  readonly path: string;
  readonly text: string;
}

/** Where rules, profiles, services and workflows come from. */
export interface ConfigSource {
  /** Reads everything, or fails as a whole: half a configuration is none. @throws PortError `LZ_CONFIG_UNREADABLE`. */
  load(): Promise<readonly ConfigDocument[]>;
}
