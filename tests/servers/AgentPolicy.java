package org.opensearch.javaagent.bootstrap;

import java.security.Permission;
import java.security.Policy;
import java.util.Set;
import java.util.function.BiFunction;

/** Stands in for the sandbox's agent, which isn't published: nothing is policed. */
@SuppressWarnings("removal")
public class AgentPolicy {
    private static Policy policy;

    public static void setPolicy(Policy chosen, Set<String> hosts, Set<String> files, BiFunction<Class<?>, Set<Class<?>>, Boolean> canExit) {
        policy = chosen;
    }

    public static Policy getPolicy() {
        return policy;
    }

    public static void checkPermission(Permission permission) {}

    public static class AnyCanExit implements BiFunction<Class<?>, Set<Class<?>>, Boolean> {
        public AnyCanExit(String[] classes) {}

        public Boolean apply(Class<?> caller, Set<Class<?>> chain) {
            return true;
        }
    }
}
