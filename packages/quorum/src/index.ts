export {
  type BallotBox,
  type BallotInput,
  type BallotTerms,
  type Counted,
  openBallot,
  stepBallot,
  tallyOf,
} from './ballot/ballot-box.ts';
export { checkCertificate, type NodeCertificate } from './certificates/check-certificate.ts';
export {
  type Answer,
  AnswerSchema,
  type Hello,
  HelloSchema,
  type Question,
  QuestionSchema,
} from './ballot/messages.ts';
export { type Tally, tally, type TallyTerms } from './ballot/tally.ts';
export {
  type Coordinator,
  CoordinatorOptions,
  type CoordinatorPorts,
  createCoordinator,
  type LateVote,
} from './coordinator/coordinator.ts';
export {
  majorityOf,
  type Member,
  type Membership,
  MembershipSchema,
  requiredVotes,
  resolveMembership,
} from './coordinator/membership.ts';
export { createInProcessNetwork, type InProcessNetwork, type LinkFault } from './transports/in-process.ts';
export type { Posted, QuestionHandler, Reply, VoteTransport } from './transports/transport.ts';
export { createVoter, type Voter, type VoterPorts } from './voter/voter.ts';
export {
  type CertificatePair,
  createDevCertificates,
  type DevCertificates,
} from './certificates/dev-certificates.ts';
export {
  FramedTransportOptions,
  type FramedTransportPorts,
  type PeerAddress,
} from './transports/framed-options.ts';
export { createFramedTransport, type FramedTransport } from './transports/framed-transport.ts';
export { createHttpTransport, type HttpTransport } from './transports/http-transport.ts';
export { readNodeCertificate } from './transports/node-certificate.ts';
export {
  createPeerWatch,
  type PeerState,
  type PeerWatch,
  PeerWatchOptions,
} from './transports/peer-watch.ts';
