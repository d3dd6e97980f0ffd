import type { LaunchTemplateRecord, RegionState } from '../state/region-state.ts';
import { ApiError, invalidParameter, missingParameter } from '../wire/api-error.ts';
import type { QueryParameters } from '../wire/query-parameters.ts';
import { xmlTime } from '../wire/xml.ts';
import { refuseDryRun } from './ec2-action.ts';
import type { Ec2Action } from './ec2-action.ts';
import { tagSet } from './tag-parameters.ts';

const VERSIONS = ['1', '$Latest', '$Default', ''];

/**
 * The template that RunInstances names, if it names one. Templates have one version here.
 *
 * @throws ApiError when the template or the version is unknown, or named twice.
 */
export function templateOf(
  parameters: QueryParameters,
  state: RegionState,
): LaunchTemplateRecord | undefined {
  if (parameters.isEmpty) return undefined;
  const template = findTemplate(
    parameters.text('LaunchTemplateId'),
    parameters.text('LaunchTemplateName'),
    state,
  );
  refuseUnknownVersion(parameters.text('Version') ?? '', template);
  return template;
}

function refuseUnknownVersion(version: string, template: LaunchTemplateRecord): void {
  if (VERSIONS.includes(version)) return;
  throw new ApiError(
    'InvalidLaunchTemplateId.VersionNotFound',
    `Could not find launch template version ${version} of ${template.id}`,
  );
}

function findTemplate(
  id: string | undefined,
  name: string | undefined,
  state: RegionState,
): LaunchTemplateRecord {
  if (id !== undefined && name !== undefined) {
    throw new ApiError(
      'InvalidParameterCombination',
      'Name the launch template by id or by name, not by both',
    );
  }
  if (id === undefined && name === undefined) throw missingParameter('LaunchTemplateId');
  const template = state.launchTemplates.find((each) =>
    id === undefined ? each.name === name : each.id === id,
  );
  if (template !== undefined) return template;
  throw id === undefined
    ? new ApiError(
        'InvalidLaunchTemplateName.NotFoundException',
        `The launch template '${name ?? ''}' does not exist`,
      )
    : new ApiError('InvalidLaunchTemplateId.NotFound', `The launch template ID '${id}' does not exist`);
}

export const describeLaunchTemplates: Ec2Action = (parameters, { state, options }) => {
  refuseDryRun(parameters);
  const ids = parameters.list('LaunchTemplateId');
  const names = parameters.list('LaunchTemplateName');
  const named = [
    ...ids.map((id) => findTemplate(id, undefined, state)),
    ...names.map((name) => findTemplate(undefined, name, state)),
  ];
  const templates = ids.length + names.length === 0 ? state.launchTemplates : named;
  return {
    launchTemplates: {
      item: templates.map((template) => ({
        launchTemplateId: template.id,
        launchTemplateName: template.name,
        createTime: xmlTime(template.createdAtMs),
        createdBy: `arn:aws:iam::${options.accountId}:root`,
        defaultVersionNumber: 1,
        latestVersionNumber: 1,
        tagSet: tagSet(template.tags),
      })),
    },
  };
};

export const describeLaunchTemplateVersions: Ec2Action = (parameters, { state, options }) => {
  refuseDryRun(parameters);
  const template = findTemplate(
    parameters.text('LaunchTemplateId'),
    parameters.text('LaunchTemplateName'),
    state,
  );
  for (const version of parameters.list('LaunchTemplateVersion')) refuseUnknownVersion(version, template);
  if (parameters.structures('Filter').length > 0)
    throw invalidParameter('Filters of template versions are not supported here');
  return {
    launchTemplateVersionSet: {
      item: {
        launchTemplateId: template.id,
        launchTemplateName: template.name,
        versionNumber: 1,
        createTime: xmlTime(template.createdAtMs),
        createdBy: `arn:aws:iam::${options.accountId}:root`,
        defaultVersion: true,
        launchTemplateData: {
          imageId: template.imageId,
          instanceType: template.instanceType,
          userData: template.userData,
          iamInstanceProfile: { arn: template.profileArn },
          securityGroupIdSet: { item: template.securityGroupIds },
          tagSpecificationSet: { item: { resourceType: 'instance', tagSet: tagSet(template.tags) } },
        },
      },
    },
  };
};
