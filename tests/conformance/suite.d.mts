export declare const repository: string;
export declare function installSuite(): string;
export declare function nodeForSuite(): string;
