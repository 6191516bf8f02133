"""How a part changes ministack: it wraps one of its functions. Importing a part applies its patches."""

import functools


def around(owner, name):
    """Replaces `owner.name` by the decorated function, which gets the original as its first argument.

    Raises AttributeError when ministack has no such function: the pinned version was changed.
    """

    def decorate(patch):
        original = getattr(owner, name)

        @functools.wraps(original)
        def patched(*args, **kwargs):
            return patch(original, *args, **kwargs)

        setattr(owner, name, patched)
        return patch

    return decorate


def after_provisioning(resource_type):
    """Calls the decorated function with (physical id, properties) after such a resource was made or changed."""
    from ministack.services.cloudformation import provisioners

    def decorate(apply):
        handlers = provisioners._RESOURCE_HANDLERS[resource_type]
        create, update = handlers["create"], handlers.get("update")

        def create_and_apply(logical_id, properties, stack_name):
            physical_id, attributes = create(logical_id, properties, stack_name)
            apply(physical_id, properties)
            return physical_id, attributes

        def update_and_apply(physical_id, old_properties, properties, *names):
            physical_id, attributes = update(physical_id, old_properties, properties, *names)
            apply(physical_id, properties)
            return physical_id, attributes

        handlers["create"] = create_and_apply
        if update:
            handlers["update"] = update_and_apply
        return apply

    return decorate
