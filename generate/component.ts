import ts from "typescript";
import type { Property } from "./model";

/** A component as its class and the interface of its arguments describe it. */
export interface ComponentModel {
  type: string;
  description: string;
  inputs: ComponentProperty[];
  outputs: ComponentProperty[];
}

export interface ComponentProperty extends Pick<Property, "name" | "description" | "required" | "default"> {
  /** Its type, as a page shows it. */
  type: string;
}

/** Reads a component of the SDK: components are written by hand, and their documentation stands in their source. */
export function readComponent(type: string, source: string): ComponentModel {
  const file = ts.createSourceFile("component.ts", source, ts.ScriptTarget.Latest, true);
  const args = file.statements.filter(ts.isInterfaceDeclaration).find(({ name }) => name.text === `${type}Args`);
  const component = file.statements.filter(ts.isClassDeclaration).find(({ name }) => name?.text === type);
  if (!args || !component) throw new Error(`The component ${type} has no class or no arguments`);
  return {
    type,
    description: documentationOf(component).description,
    inputs: args.members.filter(ts.isPropertySignature).map(propertyOf),
    outputs: component.members.filter(ts.isPropertyDeclaration).map(propertyOf),
  };
}

function propertyOf(node: ts.PropertySignature | ts.PropertyDeclaration): ComponentProperty {
  const name = node.name.getText();
  if (!node.type) throw new Error(`${name} has no type`);
  return { name, type: typeText(node.type), required: !node.questionToken, ...documentationOf(node) };
}

function documentationOf(node: ts.Node): { description: string; default?: string } {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(comment?.comment)?.trim();
  if (!text) throw new Error(`${node.getText().split("\n")[0]} has no documentation`);
  const value = ts.getTextOfJSDocComment(comment?.tags?.find(({ tagName }) => tagName.text === "default")?.comment);
  return { description: linked(text), ...(value && { default: `\`${value}\`` }) };
}

/** A type as a page shows it: a type of another resource's argument is a link to that. */
function typeText(node: ts.TypeNode): string {
  if (ts.isIndexedAccessTypeNode(node)) {
    const argument = node.indexType.getText().replaceAll('"', "");
    return `as \`${argument}\` of ${pageLink(node.objectType.getText().replace(/Args$/, ""))}`;
  }
  if (ts.isUnionTypeNode(node)) return node.types.map((each) => `\`${each.getText()}\``).join(", ");
  if (!ts.isTypeReferenceNode(node)) throw new Error(`${node.getText()} cannot be shown on a page`);
  const [first, second] = node.typeArguments ?? [];
  switch (node.typeName.getText()) {
    case "pulumi.Input":
    case "pulumi.Output":
      return first?.kind === ts.SyntaxKind.StringKeyword ? "string" : typeText(first as ts.TypeNode);
    case "Record":
      return second?.getText() === "pulumi.Input<string>" ? "map of string" : "map";
    case "Omit":
      return `arguments of ${pageLink(first?.getText().replace(/Args$/, "") ?? "")}`;
    default:
      return pageLink(node.typeName.getText());
  }
}

function linked(text: string): string {
  return text.replace(/\{@link (\w+)\}/g, (_, type: string) => pageLink(type)).replaceAll(/\s*\n\s*/g, " ");
}

function pageLink(type: string): string {
  return `[\`${type}\`](${type.charAt(0).toLowerCase()}${type.slice(1)}.md)`;
}
