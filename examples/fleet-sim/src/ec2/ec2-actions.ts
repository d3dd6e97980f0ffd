import type { Ec2Action } from './ec2-action.ts';
import { describeInstances, describeInstanceStatus } from './describe-instances.ts';
import {
  createTags,
  deleteTags,
  describeInstanceAttribute,
  modifyInstanceAttribute,
} from './instance-attributes.ts';
import { rebootInstances, startInstances, stopInstances, terminateInstances } from './instance-lifecycle.ts';
import { describeLaunchTemplates, describeLaunchTemplateVersions } from './launch-templates.ts';
import { runInstances } from './run-instances.ts';

export const EC2_VERSION = '2016-11-15';

/** Every EC2 action that the region serves. */
export const EC2_ACTIONS: Readonly<Record<string, Ec2Action>> = {
  CreateTags: createTags,
  DeleteTags: deleteTags,
  DescribeInstanceAttribute: describeInstanceAttribute,
  DescribeInstances: describeInstances,
  DescribeInstanceStatus: describeInstanceStatus,
  DescribeLaunchTemplates: describeLaunchTemplates,
  DescribeLaunchTemplateVersions: describeLaunchTemplateVersions,
  ModifyInstanceAttribute: modifyInstanceAttribute,
  RebootInstances: rebootInstances,
  RunInstances: runInstances,
  StartInstances: startInstances,
  StopInstances: stopInstances,
  TerminateInstances: terminateInstances,
};
